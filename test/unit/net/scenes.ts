import { compile as compileAgent } from '../../../agent/compile/compile.ts'
import { shields } from '../../../agent/compile/shields.ts'
import type { HostContext, OverlayContext } from '../../../agent/compile/types.ts'
import { probeNetwork } from '../../../agent/probe-port/address.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import { compile as compileDirector } from '../../../director/compile/compile.ts'
import { recallMacOf } from '../../../director/compile/fabric.ts'
import type { CompiledService, Site, Target } from '../../../director/compile/types.ts'
import type { Compiled } from '../../../shared/flows/compiled.ts'
import type { Family } from '../../../shared/net/types.ts'
import { checkOf } from '../health/fixtures.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import { vipNumbers } from '../vip-numbers.ts'

/** Addresses of one family. The tunnels' underlay is IPv4 in both. */
interface Addresses {
  readonly vip: (n: number) => string
  readonly own: string
  readonly clients: readonly string[]
  readonly probes: string
  readonly masks: readonly [whole: string, part: string]
}

const ADDRESSES: Readonly<Record<Family['name'], Addresses>> = {
  IPv4: {
    vip: n => `10.10.1.${99 + n}`,
    own: '10.10.1.21',
    clients: ['10.10.1.0/24', '192.0.2.1/32'],
    probes: '169.254.96.0/19',
    masks: ['255.255.255.255', '255.255.255.0'],
  },
  IPv6: {
    vip: n => `2001:db8::${n}`,
    own: 'fe80::21',
    clients: ['2001:db8:1::/48', '2001:db8::99/128'],
    probes: 'fdc7:5::/112',
    masks: ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ffff:ffff:ffff:ffff::'],
  },
}

const HOST_MAC = '02:00:00:00:00:20'
export const DIRECTOR_MAC = '02:00:00:00:01:00'
const RECALL_MAC = recallMacOf(DIRECTOR_MAC)

const OVERLAY: OverlayContext = {
  tunnel: 5,
  networkKey: 100,
  clientHosts: ['172.24.1.10'],
  directorIp: '172.24.1.100',
  forwardTable: undefined,
}

interface HostScene {
  readonly overlay?: OverlayContext
  readonly tags?: Readonly<Record<number, number>>
  readonly own?: boolean
}

/** A host with everything that an agent can be asked for, in each kind of network. */
export function hostScenes(family: Family): ReadonlyMap<string, Compiled> {
  const { vip, clients, probes, masks, own } = ADDRESSES[family.name]
  const anyone = { clients: [family.anyone] }
  const [whole, part] = masks
  const specs = [
    spec({ vip: vip(1), ...anyone }),
    spec({ service: 'b', vip: vip(1), port: 443, clients, check: checkOf({ type: 'tcp' }) }),
    spec({
      service: 'c',
      vip: vip(2),
      protocol: 'udp',
      port: 53,
      ...anyone,
      check: checkOf({ type: 'udp', send: 'x' }),
    }),
    spec({ service: 'd', vip: vip(3), ...anyone, persistence: { timeout: 300, mask: whole } }),
    spec({ service: 'e', vip: vip(4), ...anyone, persistence: { timeout: 300, mask: part }, arp: 'drop' }),
  ]
  const scene = ({ overlay, tags = {}, own: known = true }: HostScene) => {
    const snapshot = ports(...[1, 2, 3].map(n => port(n, { tag: tags[n] })))
    const { realServers } = resolve({
      specs,
      inventory: inventory(domain(1), domain(2)),
      ports: snapshot,
      allocations: [],
      ingressPorts: { first: 40_000, last: 49_999 },
    })
    const index = indexPorts(snapshot)
    const host: HostContext = {
      hostMac: HOST_MAC,
      directorMac: DIRECTOR_MAC,
      directors: [{ mac: DIRECTOR_MAC, recallMac: RECALL_MAC, hostIp: '172.24.1.100' }],
      uplink: 1,
      vmPorts: [...index].map(([mac, { name, ofport, tag }]) => ({ name, mac, ofport: ofport!, tag })),
      overlay,
      probing: {
        network: probeNetwork(probes),
        sources: {},
        port: { ofport: 7, mac: '02:c7:05:00:00:01', address: vip(9), udpPort: 61_053 },
      },
    }
    return compileAgent({
      realServers,
      shields: shields(realServers, [], index, () => (known ? own : undefined)),
      guarded: [vip(1), vip(8)],
      numberOf: vipNumbers().of,
      host,
    })
  }
  return new Map([
    ['untagged', scene({})],
    ['own addresses not known', scene({ own: false })],
    ['in a VLAN', scene({ tags: { 1: 7, 2: 7, 3: 7 } })],
    ['a foreign VLAN beside it', scene({ tags: { 3: 7 } })],
    ['overlay', scene({ overlay: OVERLAY })],
    ['overlay with a controller', scene({ overlay: { ...OVERLAY, forwardTable: 8 } })],
  ])
}

/** A mark belongs to one real server of one service. */
const markOf = (n: number, i: number) => 10 * n + i

/** The service of a director on VIP `n`; `change` has what is special. */
function serviceOf(family: Family, n: number, change: Partial<CompiledService> = {}): CompiledService {
  const target = (i: number, more: Partial<Target> = {}): Target => ({
    mark: markOf(n, i),
    hostMac: `02:00:00:00:00:2${i}`,
    hostIp: `172.24.1.2${i}`,
    ingressPort: 8080,
    newConnections: true,
    ...more,
  })
  return {
    vip: ADDRESSES[family.name].vip(n),
    port: 80,
    protocol: 'tcp',
    clients: [family.anyone],
    number: n,
    zone: 0x4000 + n,
    onEmpty: 'reject',
    accounted: true,
    shares: [
      { mark: markOf(n, 1), slots: 128 },
      { mark: markOf(n, 2), slots: 128 },
    ],
    targets: [target(1), target(2), target(3, { newConnections: false })],
    ...change,
  }
}

/** A director with every kind of service, in each kind of network. */
export function directorScenes(family: Family): ReadonlyMap<string, Compiled> {
  const { clients, masks } = ADDRESSES[family.name]
  const [whole, part] = masks
  const turns = (n: number) => ({ shares: [], turns: { order: [1, 2, 1].map(i => markOf(n, i)), again: 1, after: 0 } })
  const hashed = (n: number) => ({ shares: [{ mark: markOf(n, 1), slots: 2 }] })
  const persistent = (n: number, mask: string) => ({
    persistence: { zone: 0x4100 + n, timeout: 300, mask, recalled: true },
  })
  const changes: readonly ((n: number) => Partial<CompiledService>)[] = [
    () => ({}),
    () => ({ clients }),
    turns,
    n => persistent(n, whole),
    n => ({ ...turns(n), ...persistent(n, part) }),
    n => ({ ...hashed(n), hashField: 'src' }),
    n => ({ ...hashed(n), hashField: 'dst' }),
    () => ({ shares: [], targets: [] }),
    () => ({ protocol: 'udp', port: 53 }),
    n => ({ protocol: 'udp', port: 54, ...turns(n), ...persistent(n, part) }),
  ]
  const services = changes.map((change, i) => serviceOf(family, i + 1, change(i + 1)))
  const scene = (change: Partial<Site>) =>
    compileDirector(
      {
        directorMac: DIRECTOR_MAC,
        recallMac: RECALL_MAC,
        uplink: 5,
        ownMacs: [],
        accessPorts: [{ ofport: 9, tag: 7 }],
        fabric: 'l2',
        accounting: true,
        ...change,
      },
      services,
      vipNumbers().of,
    )
  return new Map([
    ['l2', scene({})],
    ['an agent on the bridge', scene({ ownMacs: [DIRECTOR_MAC, '02:00:00:00:00:21'] })],
    ['overlay', scene({ fabric: { networkKey: 100, clientHosts: ['172.24.1.10'] }, accounting: false })],
  ])
}
