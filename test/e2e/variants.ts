import path from 'node:path'
import type { Capture } from '../lab/capture.ts'
import type { Lab } from '../lab/lab.ts'
import { root } from '../lab/paths.ts'
import type { Packet } from '../lab/pcap.ts'
import type { LabProcess } from '../lab/place.ts'
import { decapsulate, TUNNEL_FILTER, type Tunnelled } from '../lab/tunnel.ts'

/**
 * Puts a namespace in a VM's place on the bridge: it gets the VM's port identity, hardware address and address, and `vip`. So
 * programs that no guest has can serve there, while libvirt and guest agent know the VM. Serves UDP 5353 (echo; "big" is answered
 * with 4000 bytes) and TCP 9007 (echo); returns the serving process.
 */
export async function standIn(lab: Lab, vmName: string, lightName: string, vip: string): Promise<LabProcess> {
  const vm = lab.vm(vmName)
  const light = lab.vm(lightName)
  const place = lab.host(lightName)
  const port = await light.port()
  await place.exec(['ip', 'link', 'set', 'eth0', 'address', vm.plan.mac])
  await place.exec(['ip', 'address', 'flush', 'dev', 'eth0'])
  await place.exec(['ip', 'address', 'add', `${vm.plan.ip}/24`, 'dev', 'eth0'])
  await place.exec(['ip', 'address', 'add', `${vip}/32`, 'dev', 'eth0'])
  await vm.host.exec(['ovs-vsctl', 'del-port', await vm.port()])
  const ids = { 'attached-mac': vm.plan.mac, 'vm-id': vm.plan.uuid, 'iface-id': vm.plan.uuid }
  const set = Object.entries(ids).map(([key, value]) => `external_ids:${key}="${value}"`)
  await vm.host.exec(['ovs-vsctl', 'set', 'Interface', port, ...set])
  const server = [process.execPath, path.join(root, 'test/e2e/programs/echo-server.ts'), vip, '5353', '9007']
  const running = await place.spawn(server, { name: 'echo' })
  await running.waitForLine(/listening/)
  return running
}

/** The packets that pass a place during `work`. */
export async function eavesdrop(
  lab: Lab,
  where: string,
  filter: string,
  work: (capture: Capture) => Promise<void>,
): Promise<readonly Packet[]> {
  const capture = await lab.capture(where, filter)
  try {
    await work(capture)
  } finally {
    await capture.stop()
  }
  return capture.packets
}

/** The packets in a host's tunnels during `work`. */
export async function tunnelled(lab: Lab, host: string, work: () => Promise<void>): Promise<readonly Tunnelled[]> {
  return (await eavesdrop(lab, host, TUNNEL_FILTER, work)).flatMap(packet => decapsulate(packet) ?? [])
}
