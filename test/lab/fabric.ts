import { execa } from 'execa'
import { DATAPATH, OFFLOADS } from './datapath.ts'
import type { Place } from './place.ts'

/** One learnt address of the fabric's switch. `port` has the name of the place that is plugged in there. */
export interface MacEntry {
  readonly mac: string
  readonly port: string
  /** 0: untagged, or the switch ignores tags. */
  readonly vlan: number
}

export interface Fabric extends Place {
  /** The switch's MAC table; learnt entries only. */
  macTable(): Promise<MacEntry[]>
  /** Empties the MAC table. */
  forget(): Promise<void>
}

const KERNEL_BRIDGE = 'fabric'

/** Runs `ip` only in the network namespace of `pid`, so that process ids keep their meaning. */
export async function ipLink(pid: number, args: readonly string[]): Promise<void> {
  await execa('nsenter', ['-t', String(pid), '-n', '--', 'ip', 'link', ...args])
}

/** Completes checksums, because a userspace datapath forwards packets unchanged. */
export async function offloadsOff(place: Place, dev: string): Promise<void> {
  if (OFFLOADS) return
  const off = ['tx', 'rx', 'gso', 'gro', 'tso'].flatMap(feature => [feature, 'off'])
  await place.exec(['ethtool', '-K', dev, ...off], { check: false })
}

/** A veth between two places, both ends up: `port` in `from`, `dev` with hardware address `mac` in `to`. */
export async function connect(from: Place, port: string, to: Place, dev: string, mac?: string): Promise<void> {
  const address = mac === undefined ? [] : ['address', mac]
  // Numbers of queues like those of real NICs.
  const queues = DATAPATH === 'system' ? ['numtxqueues', '4', 'numrxqueues', '4'] : []
  await ipLink(from.pid, [
    'add',
    'name',
    port,
    ...queues,
    'type',
    'veth',
    'peer',
    'name',
    dev,
    ...address,
    ...queues,
    'netns',
    String(to.pid),
  ])
  await Promise.all([offloadsOff(from, port), offloadsOff(to, dev)])
  await Promise.all([ipLink(from.pid, ['set', port, 'up']), ipLink(to.pid, ['set', dev, 'up'])])
}

/** The switch between hosts and clients: a kernel bridge, or an Open vSwitch where VLANs are needed. */
export function makeFabric(place: Place, vlans: boolean): Fabric {
  return vlans ? openVswitchFabric(place) : kernelFabric(place)
}

/** Sets up the switch in the fabric's place. */
export async function startFabric(place: Place, vlans: boolean, switchScript: string): Promise<void> {
  if (vlans) await place.exec(['sh', switchScript, '', '02:00:00:00:ff:00'])
  else {
    await ipLink(place.pid, ['add', 'name', KERNEL_BRIDGE, 'type', 'bridge'])
    await ipLink(place.pid, ['set', KERNEL_BRIDGE, 'up'])
  }
}

/** Plugs a place's device into the fabric; the fabric's port gets the place's name. */
export async function plug(fabric: Place, vlans: boolean, to: Place, options: PlugOptions): Promise<void> {
  await connect(fabric, to.name, to, options.dev, options.mac)
  if (vlans) {
    const tag = options.vlan === undefined ? [] : [`tag=${options.vlan}`]
    await fabric.exec(['ovs-vsctl', 'add-port', 'br0', to.name, ...tag])
  } else await ipLink(fabric.pid, ['set', to.name, 'master', KERNEL_BRIDGE])
}

/** Puts uplink0 on nic0: an active-backup bond with that port, or its VLAN 30, which the fabric's end carries too. */
export async function stackUplink(fabric: Place, place: Place, kind: 'bond' | 'vlan'): Promise<void> {
  const vlan = (on: string, name: string) => ['add', 'link', on, 'name', name, 'type', 'vlan', 'id', '30']
  if (kind === 'bond') {
    await ipLink(place.pid, ['add', 'uplink0', 'type', 'bond', 'mode', 'active-backup', 'miimon', '100'])
    await ipLink(place.pid, ['set', 'nic0', 'down'])
    await ipLink(place.pid, ['set', 'nic0', 'master', 'uplink0'])
  } else {
    const tagged = `${place.name}.30`
    await ipLink(place.pid, vlan('nic0', 'uplink0'))
    await ipLink(fabric.pid, ['set', place.name, 'nomaster'])
    await ipLink(fabric.pid, vlan(place.name, tagged))
    await ipLink(fabric.pid, ['set', tagged, 'up', 'master', KERNEL_BRIDGE])
  }
  await ipLink(place.pid, ['set', 'uplink0', 'up'])
}

export interface PlugOptions {
  readonly dev: string
  readonly mac?: string
  readonly vlan?: number
}

function kernelFabric(place: Place): Fabric {
  return {
    ...place,
    macTable: async () => {
      const { stdout } = await place.exec(['bridge', '-j', 'fdb', 'show', 'br', KERNEL_BRIDGE])
      const rows = JSON.parse(stdout || '[]') as { mac: string; ifname: string; state?: string; flags: string[] }[]
      return rows
        .filter(row => row.state !== 'permanent' && !row.flags.includes('self'))
        .map(row => ({ mac: row.mac, port: row.ifname, vlan: 0 }))
    },
    forget: () => ipLink(place.pid, ['set', KERNEL_BRIDGE, 'type', 'bridge', 'fdb_flush']),
  }
}

function openVswitchFabric(place: Place): Fabric {
  return {
    ...place,
    macTable: async () => {
      const { stdout: ports } = await place.exec([
        'ovs-vsctl',
        '--bare',
        '-f',
        'csv',
        '--no-headings',
        '--columns=ofport,name',
        'list',
        'Interface',
      ])
      const names = new Map(ports.split('\n').map(line => line.split(',') as [string, string]))
      const { stdout } = await place.exec(['ovs-appctl', 'fdb/show', 'br0'])
      return stdout
        .split('\n')
        .slice(1)
        .map(line => line.trim().split(/\s+/))
        .filter(([port]) => port !== 'LOCAL')
        .map(([port, vlan, mac]) => ({ mac: mac!, port: names.get(port!) ?? port!, vlan: Number(vlan) }))
    },
    forget: async () => {
      await place.exec(['ovs-appctl', 'fdb/flush', 'br0'])
    },
  }
}
