import test from 'ava'
import { compile } from '../../../agent/compile/compile.ts'
import { TABLE } from '../../../agent/compile/tables.ts'
import { trafficOf } from '../../../agent/health/traffic.ts'
import { readClientTraffic } from '../../../agent/outlets/client-traffic.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import { decodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { FlowStats, FlowStatsFilter } from '../../../shared/switch/types.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'

const { realServers } = resolve({
  specs: [spec({ protocol: 'udp', port: 53 })],
  inventory: inventory(domain(1)),
  ports: ports(port(1)),
  allocations: [],
  ingressPorts: { first: 40_000, last: 49_999 },
})
const host = {
  hostMac: '02:00:00:00:00:20',
  directorMac: undefined,
  directors: [],
  uplink: 1,
  vmPorts: [],
  overlay: undefined,
}
const flows = [...compile({ realServers, shields: [], guarded: [], numberOf: () => 1, host }).values()].flatMap(
  object => object.flows(),
)

/** A switch in which five packets have taken each of some flows. */
const counted = (taken: (flow: Flow) => boolean) => ({
  readFlowStats: async ({ table, kind }: FlowStatsFilter): Promise<FlowStats[]> =>
    flows
      .filter(flow => flow.table === table && decodeCookie(flow.cookie)?.kind === kind)
      .map(flow => ({ ...flow, packets: taken(flow) ? 5 : 0, bytes: 0 })) as unknown as FlowStats[],
})

test('a UDP server whose replies all come in fragments is no silent one', async t => {
  const first = ({ table, cookie }: Flow) =>
    table === TABLE.fragment && decodeCookie(cookie)?.object === realServers[0]!.id
  const traffic = trafficOf(realServers, await readClientTraffic(counted(first)))
  t.deepEqual(traffic.get(realServers[0]!.key), { requests: 0, replies: 5 })
})

test('requests, and replies of one packet, are counted as they are', async t => {
  const traffic = trafficOf(realServers, await readClientTraffic(counted(({ table }) => table === TABLE.classify)))
  t.deepEqual(traffic.get(realServers[0]!.key), { requests: 5, replies: 5 })
})
