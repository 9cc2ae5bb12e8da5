import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createReporter } from '../../agent/report/reporter.ts'
import type { ReportedRealServer } from '../../agent/report/types.ts'
import { createLog } from '../../shared/log/create.ts'
import { systemClock } from '../../shared/run/clock.ts'
import {
  DIRECTOR_MAC,
  type DirectorSwitch,
  directorConfig,
  type SwitchOptions,
  startDirector,
  startDirectorSwitch,
} from '../../test/segment/director.ts'
import type { Segment, Space } from '../../test/segment/segment.ts'
import { startWebServer } from '../web-server.ts'

export const VIP = '10.10.1.100'
export const STATIC_VIP = '10.10.1.101'
/** Ports are reused at once, because a run with one connection per request would use them up. */
export const SETTINGS = [
  'net.ipv4.ip_local_port_range=1024 65000',
  'net.ipv4.tcp_tw_reuse=1',
  'net.ipv4.tcp_max_tw_buckets=1',
  'net.core.somaxconn=4096',
  'net.ipv4.tcp_max_syn_backlog=4096',
]
/** Ingress ports of the real servers: one process answers for all of them. */
const FIRST_PORT = 10_000

/** A director's switch with our director on it, and one static flow for another VIP. */
export interface Crossport {
  readonly space: Space
  readonly sw: DirectorSwitch
  /** CPU time of ovs-vswitchd, microseconds. */
  cpu(): Promise<number>
  /** Sets the number of real servers, all on one host; resolves when they are in the switch. */
  realServers(count: number): Promise<void>
}

export async function startCrossport(
  segment: Segment,
  server: Space,
  cleanup: AsyncDisposableStack,
  options: SwitchOptions = {},
): Promise<Crossport> {
  const { dir } = segment
  const sw = await startDirectorSwitch(segment, options)
  const mac = DIRECTOR_MAC
  const arpReply = `move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:${mac}->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],set_field:${mac}->arp_sha,move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:${STATIC_VIP}->arp_spa,in_port`
  await sw.ofctl(['add-flow', `priority=60000,arp,arp_op=1,arp_tpa=${STATIC_VIP},actions=${arpReply}`])
  await sw.ofctl([
    'add-flow',
    `priority=60000,tcp,nw_dst=${STATIC_VIP},tp_dst=80,actions=set_field:${FIRST_PORT}->tcp_dst,set_field:${mac}->eth_src,set_field:${server.mac}->eth_dst,in_port`,
  ])

  const config = await directorConfig(dir, { leaseMs: 600_000 })
  const log = createLog({ identifier: 'bench', level: 'error' })
  cleanup.defer(await startDirector(config, log))
  await writeFile(
    join(dir, 'services.d/web.yaml'),
    `service: web\nvip: ${VIP}\nport: 80\nscheduler: wlc\nrealServers: [{ vm: web-*, port: 80 }]\n`,
  )
  const reporter = createReporter({
    address: config.listen,
    identity: { hostId: 'rs1', hostMac: server.mac, hostIp: server.address, version: '1' },
    log,
    clock: systemClock,
    handlers: { onDirector: () => {}, onServices: () => {}, onState: () => {} },
  })
  cleanup.defer(() => reporter.close())
  return {
    space: sw.space,
    sw,
    cpu: sw.cpu,
    realServers: async count => {
      reporter.update(Array.from({ length: count }, (_, n) => realServer(n)))
      for (;;) {
        // One flow per real server, because MARK distinguishes them; flows that all services share are there, too.
        const flows = await sw.ofctl(['dump-flows', 'table=104'])
        if (flows.split('\n').filter(line => line.includes('reg0=')).length === count) return
        await sleep(50)
      }
    },
  }
}

function realServer(n: number): ReportedRealServer {
  const port = FIRST_PORT + n
  return {
    id: `web/${n}`,
    service: 'web',
    vip: VIP,
    protocol: 'tcp',
    vipPort: 80,
    ingressPort: port,
    rsPort: 80,
    vm: `web-${n}`,
    vmUuid: '',
    weight: 1,
    state: 'ready',
    reason: '',
    scheduler: 'wlc',
  }
}

/**
 * The real servers' side. It answers at the VIP and at its own address as a host with an agent does (replies leave with port 80).
 */
export async function startServer(segment: Segment): Promise<Space> {
  const space = await segment.plug('eth0', 20)
  await space.run('sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2')
  for (const vip of [VIP, STATIC_VIP]) await space.run(`ip address add ${vip}/32 dev lo`)
  await space.run(
    '/usr/sbin/nft -f -',
    `table ip bench {
  chain in {
    type filter hook prerouting priority -300;
    tcp dport ${FIRST_PORT}-${FIRST_PORT + 9999} tcp dport set 80;
  }
}`,
  )
  await startWebServer(space, segment.dir, 80)
  return space
}

/** Kernel NAT in both directions, because the reply has to come back through it; and HAProxy on another address. */
export async function startOthers(
  segment: Segment,
  server: Space,
): Promise<{ nat: Space; haproxy: Space; haproxyPid: number }> {
  const nat = await segment.plug('eth0', 60)
  await nat.run('sysctl -qw net.ipv4.ip_forward=1')
  await nat.run(
    '/usr/sbin/nft -f -',
    `table ip bench {
  chain in {
    type nat hook prerouting priority -100;
    tcp dport 80 dnat to ${server.address}:80;
  }
  chain out {
    type nat hook postrouting priority 100;
    masquerade;
  }
}`,
  )
  for (const setting of ['tcp_timeout_time_wait=1', 'max=1000000'])
    await nat.run(`sysctl -qw net.netfilter.nf_conntrack_${setting} || true`)
  const haproxy = await segment.plug('eth0', 61)
  await writeFile(
    join(segment.dir, 'haproxy.cfg'),
    `global
  maxconn 4000
  nbthread 2
defaults
  mode tcp
  timeout client 30s
  timeout server 30s
  timeout connect 5s
listen web
  bind 0.0.0.0:80 backlog 4096
  server one ${server.address}:80
`,
  )
  const child = haproxy.start(['/usr/sbin/haproxy', '-f', join(segment.dir, 'haproxy.cfg')])
  return { nat, haproxy, haproxyPid: child.pid! }
}
