import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { createReporter } from '../../agent/report/reporter.ts'
import type { ReportedRealServer } from '../../agent/report/types.ts'
import { directorConfigSchema } from '../../director/config.ts'
import { runDirector } from '../../director/run.ts'
import { createLog } from '../../shared/log/create.ts'
import { systemClock } from '../../shared/run/clock.ts'
import type { Segment, Space } from './network.ts'

export const VIP = '10.10.1.100'
export const STATIC_VIP = '10.10.1.101'
/** Ingress ports of the real servers: one process answers for all of them. */
const FIRST_PORT = 10_000

/** A director's switch with our director on it, and one static flow for another VIP beside it. */
export interface Crossport {
  readonly space: Space
  /** CPU time of ovs-vswitchd, microseconds. */
  cpu(): Promise<number>
  /** So many real servers, all on one host; resolves when they are in the switch. */
  realServers(count: number): Promise<void>
}

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

export async function startCrossport(
  segment: Segment,
  server: Space,
  cleanup: AsyncDisposableStack,
): Promise<Crossport> {
  const space = await segment.plug('uplink0', 50)
  await space.run('ip address flush dev uplink0')
  const { dir } = segment
  const env = { OVS_RUNDIR: dir, OVS_LOGDIR: dir, OVS_DBDIR: dir }
  const db = `unix:${dir}/db.sock`
  const vsctl = (...args: string[]) => execa('ovs-vsctl', [`--db=${db}`, '--timeout=30', ...args], { env })
  await execa('ovsdb-tool', ['create', `${dir}/conf.db`, SCHEMA])
  space.start(['ovsdb-server', `${dir}/conf.db`, `--remote=p${db}`, '--no-chdir'], env)
  await vsctl('--retry', '--no-wait', 'init')
  const vswitchd = space.start(
    ['ovs-vswitchd', db, '--disable-system', '--no-chdir', `--pidfile=${dir}/ovs-vswitchd.pid`],
    env,
  )
  const mac = '02:00:00:00:01:00'
  await vsctl(
    ...`add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure other_config:hwaddr="${mac}" -- add-port br0 uplink0`.split(
      ' ',
    ),
  )
  const ofctl = (flow: string) =>
    execa('ovs-ofctl', ['-O', 'OpenFlow15', 'add-flow', `unix:${dir}/br0.mgmt`, flow], { env })
  await ofctl('priority=0,actions=NORMAL')
  const arpReply = `move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:${mac}->eth_src,set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],set_field:${mac}->arp_sha,move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:${STATIC_VIP}->arp_spa,in_port`
  await ofctl(`priority=60000,arp,arp_op=1,arp_tpa=${STATIC_VIP},actions=${arpReply}`)
  await ofctl(
    `priority=60000,tcp,nw_dst=${STATIC_VIP},tp_dst=80,actions=set_field:${FIRST_PORT}->tcp_dst,set_field:${mac}->eth_src,set_field:${server.mac}->eth_dst,in_port`,
  )

  await execa('mkdir', ['-p', `${dir}/services.d`])
  const config = directorConfigSchema.parse({
    bridge: 'br0',
    uplink: 'uplink0',
    id: 'bench',
    listen: `unix:${dir}/agents.sock`,
    leaseMs: 600_000,
    servicesDir: `${dir}/services.d`,
    stateFile: `${dir}/director.db`,
    controlSocket: `${dir}/director.sock`,
    ovsdbSocket: `${dir}/db.sock`,
    ovsRunDir: dir,
  })
  const stopping = new AbortController()
  const log = createLog({ identifier: 'bench', level: 'error' })
  let ended: Promise<void> | undefined
  await new Promise<void>((resolve, reject) => {
    ended = runDirector(config, log, { signal: stopping.signal, onReady: () => resolve() })
    ended.catch(reject)
  })
  cleanup.defer(async () => {
    stopping.abort()
    await ended
  })
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
  const vswitchdPid = async () => {
    const text = await readFile(`${dir}/ovs-vswitchd.pid`, 'utf8')
    return Number(text)
  }
  if (vswitchd.exitCode !== null) await once(vswitchd, 'exit')
  return {
    space,
    cpu: async () => cpuOf(await vswitchdPid()),
    realServers: async count => {
      reporter.update(Array.from({ length: count }, (_, n) => realServer(n)))
      for (;;) {
        const { stdout } = await execa(
          'ovs-ofctl',
          ['-O', 'OpenFlow15', 'dump-flows', `unix:${dir}/br0.mgmt`, 'table=104'],
          { env },
        )
        if (stdout.split('\n').filter(line => line.includes('actions=')).length === count) return
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

/** CPU time of a process, user and system, in microseconds (proc(5); USER_HZ is 100). */
export async function cpuOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** The real servers' side: answers at VIP and its own address, as a host with an agent makes it look (replies leave with port 80). */
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
  await writeFile(
    join(segment.dir, 'server.cfg'),
    `global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend web
  bind 0.0.0.0:80 backlog 4096
  http-request return status 200 content-type text/plain string hello unless { path /download }
  default_backend source
backend source
  server source 127.0.0.1:81
`,
  )
  space.start(['/usr/sbin/haproxy', '-f', join(segment.dir, 'server.cfg')])
  space.start([process.execPath, new URL('source.ts', import.meta.url).pathname])
  return space
}

/** Kernel NAT, both ways, because the reply has to come back through it; and HAProxy, on another address. */
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
