import { compile } from '../../agent/compile/compile.ts'
import type { HostContext } from '../../agent/compile/types.ts'
import type { RealServer } from '../../agent/real-servers/types.ts'
import { toReport } from '../../agent/report/readiness.ts'
import { createReporter } from '../../agent/report/reporter.ts'
import { recallMacOf } from '../../director/compile/fabric.ts'
import { flowKey } from '../../shared/flows/key.ts'
import type { Flow } from '../../shared/flows/types.ts'
import { quiet } from '../../shared/log/quiet.ts'
import { flowText } from '../../shared/openflow/text.ts'
import { systemClock } from '../../shared/run/clock.ts'
import { DIRECTOR_MAC } from '../../test/segment/director.ts'
import { type OpenVswitch, startOpenVswitch } from '../../test/segment/open-vswitch.ts'
import type { Segment, Space } from '../../test/segment/segment.ts'
import { VIP } from '../director/balancers.ts'

export const PORT = 80
export const FIRST_PORT = 20_000

/** One Open vSwitch is the bridge of every host, and one namespace is every VM: ports distinguish the real servers. */
export interface Hosts {
  readonly ovs: OpenVswitch
  readonly server: Space
  /** The address H of one host. */
  mac(host: number): string
  /** Installs the agents' flows, each as in a fleet with these directors. */
  load(directors: HostContext['directors']): Promise<void>
  /** Connects all agents to the director. */
  register(address: string): void
  /** Packets that directors have asked about so far, counted once per asked host. */
  asked(): Promise<number>
}

export const DIRECTORS: HostContext['directors'] = [
  { mac: DIRECTOR_MAC, recallMac: recallMacOf(DIRECTOR_MAC), hostIp: undefined },
]

/** `each`: real servers per host. `vipPort`: the port that clients connect to. */
export async function startHosts(segment: Segment, count: number, each: number, vipPort = PORT): Promise<Hosts> {
  const { cleanup } = segment
  const space = await segment.plug('uplink0', 40)
  await space.run('ip address flush dev uplink0')
  const ovs = await startOpenVswitch(cleanup, { namespace: space, mac: macOf(0) })
  const server = await segment.plug('eth0', 30, { space, port: 'vms' })
  await server.run(
    `sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 && ip address add ${VIP}/32 dev lo`,
  )
  await ovs.vsctl('add-port', 'br0', 'uplink0', '--', 'add-port', 'br0', 'vms')
  const ofport = async (name: string) => Number(await ovs.vsctl('get', 'Interface', name, 'ofport'))
  const [uplink, vms] = [await ofport('uplink0'), await ofport('vms')]
  // Agents' flows name a TCP connection's ports under the ingress port.
  await ovs.appctl('dpctl/ct-disable-tcp-seq-chk')
  const hosts = Array.from({ length: count }, (_, i) => ({
    mac: macOf(i),
    realServers: Array.from({ length: each }, (_, k) => ({ ...realServer(i * each + k, server.mac, vms), vipPort })),
  }))
  return {
    ovs,
    server,
    mac: macOf,
    load: async directors => {
      const flows = new Map<string, Flow>()
      for (const { mac, realServers } of hosts) {
        const vmPorts = [{ name: 'vms', mac: server.mac, ofport: vms, tag: undefined }]
        const host = { hostMac: mac, directorMac: DIRECTOR_MAC, directors, uplink, vmPorts, overlay: undefined }
        const shields = [{ vip: VIP, port: 'vms', ofport: vms, tag: undefined, ownAddress: server.address }]
        for (const object of compile({ realServers, shields, guarded: [], numberOf: () => 1, host }).values())
          for (const flow of object.flows()) flows.set(flowKey(flow), flow)
      }
      const texts = [...flows.values()].map(flow => flowText(flow))
      await ovs.ofctl(['replace-flows', '-'], [...texts, 'priority=0 actions=NORMAL'].join('\n'))
    },
    register: address => {
      for (const [i, { mac, realServers }] of hosts.entries()) {
        const reporter = createReporter({
          address,
          identity: {
            hostId: `host-${i}`,
            hostMac: mac,
            hostIp: `172.24.${1 + (i >> 7)}.${1 + (i & 127)}`,
            version: '1',
          },
          log: quiet,
          clock: systemClock,
          handlers: { onDirector: () => {}, onServices: () => {}, onState: () => {} },
        })
        cleanup.defer(() => reporter.close())
        reporter.update(realServers.map(realServer => toReport(realServer, { state: 'ready', reason: '' })))
      }
    },
    asked: async () => {
      const flows = await ovs.ofctl(['dump-flows', 'table=0'])
      return flows
        .split('\n')
        .filter(line => line.includes('priority=40510'))
        .reduce((sum, line) => sum + Number(/n_packets=(\d+)/.exec(line)?.[1]), 0)
    },
  }
}

const macOf = (host: number) => `02:00:00:10:${hex(host >> 8)}:${hex(host & 255)}`
const hex = (n: number) => n.toString(16).padStart(2, '0')

function realServer(n: number, mac: string, ofport: number): RealServer {
  const port = FIRST_PORT + n
  return {
    key: `web/${n}/${port}`,
    id: n + 1,
    service: 'web',
    vip: VIP,
    protocol: 'tcp',
    vipPort: PORT,
    rsPort: port,
    ingressPort: port,
    weight: 1,
    scheduler: 'rr',
    clients: ['0.0.0.0/0'],
    arp: 'answer',
    vm: { uuid: '', name: `web-${n}`, running: true, runId: 1 },
    attachment: { mac, port: 'vms', ofport, tag: undefined },
    obstacle: undefined,
  }
}
