import { compile } from '../../../agent/compile/compile.ts'
import { shields } from '../../../agent/compile/shields.ts'
import type { HostContext, OverlayContext } from '../../../agent/compile/types.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { flowText } from '../../../shared/openflow/text.ts'
import { port, ports, resolved, spec } from '../real-servers/fixtures.ts'
import { vipNumbers } from '../vip-numbers.ts'

export const H = '02:00:00:00:00:20'
export const D = '02:00:00:00:01:00'
export const DIRECTOR = { mac: D, recallMac: '0a:00:00:00:01:00', hostIp: '172.24.1.100' }

export interface Scene {
  /** Tags of single VMs; the others have `tag`. */
  readonly tags?: Readonly<Record<number, number>>
  readonly specs?: readonly ServiceSpec[]
  readonly vms?: readonly number[]
  readonly tag?: number
  readonly directorMac?: string | undefined
  readonly directors?: HostContext['directors']
  readonly own?: string
  readonly overlay?: OverlayContext
  readonly records?: Parameters<typeof shields>[1]
  readonly guarded?: readonly string[]
}

/** What a host compiles in this scene: one VM and one service unless it says otherwise. */
export function compiled({
  specs = [spec()],
  vms = [1],
  tag,
  tags = {},
  records = [],
  guarded = [],
  own,
  overlay,
  ...rest
}: Scene = {}) {
  const snapshot = ports(...vms.map(n => port(n, { tag: tags[n] ?? tag })))
  const { realServers } = resolved(specs, vms, snapshot)
  const index = indexPorts(snapshot)
  const host: HostContext = {
    hostMac: H,
    directorMac: 'directorMac' in rest ? rest.directorMac : D,
    directors: rest.directors ?? [],
    uplink: 1,
    vmPorts: [...index].map(([mac, { name, ofport, tag: vlan }]) => ({ name, mac, ofport: ofport!, tag: vlan })),
    overlay,
  }
  return compile({
    realServers,
    shields: shields(realServers, records, index, () => own),
    guarded,
    numberOf: vipNumbers().of,
    host,
  })
}

/** The flows of one object as ovs-ofctl writes them, without cookies. */
export function texts(scene: Scene, object: string): string[] {
  const found = compiled(scene).get(object)
  return (found?.flows() ?? []).map(flow => flowText(flow).replace(/cookie=0x[0-9a-f]+, ?/, ''))
}

/** The same of all objects whose name begins so. */
export function objects(scene: Scene, prefix: string): string[] {
  return [...compiled(scene)].filter(([name]) => name.startsWith(prefix)).flatMap(([name]) => texts(scene, name))
}
