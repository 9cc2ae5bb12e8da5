import { faultSite } from './site.ts'

/** One host with one VM, for faults that need neither libvirt nor many VMs: building the lab takes longer than most faults. */
export const faults = faultSite({
  vms: 1,
  directorConfig: { hostServices: [{ hosts: 'rs1', vips: ['10.10.1.0/24'] }] },
})
