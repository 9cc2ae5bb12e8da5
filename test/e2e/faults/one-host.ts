import { faultSite } from './site.ts'

/** One host with one VM, for all but what libvirt and many VMs are needed for: to build it takes longer than most faults. */
export const faults = faultSite({ vms: 1 })
