import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from './fabric.ts'
import { guestImage } from './paths.ts'
import type { Place } from './place.ts'
import type { VmPlan } from './plan.ts'
import type { LabVm } from './vm.ts'

/**
 * A namespace in place of a VM for load measurements: its port on br0 carries the external_ids that libvirt would set, and its
 * HTTP servers on 8080 and 8081 answer as a guest's do. libvirt and guest agents do not know it.
 */
export async function startLightVm(host: Place, place: Place, plan: VmPlan): Promise<void> {
  const port = portOf(plan)
  await connect(host, port, place, 'eth0', plan.mac)
  await place.exec(['ip', 'address', 'add', `${plan.ip}/24`, 'dev', 'eth0'])
  if (plan.mtu !== 1500) {
    await host.exec(['ip', 'link', 'set', port, 'mtu', String(plan.mtu)])
    await place.exec(['ip', 'link', 'set', 'eth0', 'mtu', String(plan.mtu)])
  }
  if (plan.gateway !== undefined) await place.exec(['ip', 'route', 'add', 'default', 'via', plan.gateway])
  if (!plan.off) await plugLightVm(host, plan)
  const www = place.path('/run/www')
  await mkdir(www)
  await writeFile(`${www}/index.html`, `${plan.name}\n`)
  await writeFile(`${www}/big`, Buffer.alloc(8 * 1024 * 1024))
  for (const http of ['8080', '8081'])
    await place.exec([`${guestImage}/busybox`, 'httpd', '-p', http, '-h', '/run/www'])
}

/** Adds its port to the bridge, with the external_ids that libvirt would set. */
export async function plugLightVm(host: Place, plan: VmPlan): Promise<void> {
  const port = portOf(plan)
  const ids = { 'attached-mac': plan.mac, 'iface-id': plan.uuid, 'vm-id': plan.uuid, 'iface-status': 'active' }
  const set = Object.entries(ids).map(([key, value]) => `external_ids:${key}="${value}"`)
  const tag = plan.vlan === undefined ? [] : [`tag=${plan.vlan}`]
  await host.exec(['ovs-vsctl', 'add-port', 'br0', port, ...tag, '--', 'set', 'Interface', port, ...set])
}

export function makeLightVm(host: Place, place: Place, plan: VmPlan): LabVm {
  const no = () => Promise.reject(new Error(`${plan.name} is a light VM: it has neither libvirt nor a guest agent`))
  return {
    name: plan.name,
    plan,
    host,
    exec: async (command, timeoutMs = 60_000) => {
      const { exitCode, stdout, stderr } = await place.exec(['sh', '-c', command], { check: false, timeoutMs })
      return { exitCode, output: [stdout, stderr].filter(text => text !== '').join('\n') }
    },
    waitForBoot: async () => {},
    waitForAgent: no,
    agent: no,
    reboot: no,
    start: no,
    destroy: no,
    port: async () => portOf(plan),
    close: () => {},
  }
}

export function portOf(plan: VmPlan): string {
  return `v${plan.mac.replaceAll(':', '')}`
}
