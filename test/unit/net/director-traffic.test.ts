import test from 'ava'
import { metersFor } from '../../../director/apply/meters.ts'
import { compile } from '../../../director/compile/compile.ts'
import { recallMacOf } from '../../../director/compile/fabric.ts'
import type { CompiledService, Site } from '../../../director/compile/types.ts'
import { parseEntry } from '../../../director/connections/parse.ts'
import { createApplier } from '../../../shared/apply/apply.ts'
import { decodeCookie } from '../../../shared/flows/cookie.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import type { PacketIn } from '../../../shared/switch/types.ts'
import { solicited } from '../../../shared/wire/neighbour-advertisement.ts'
import { DIRECTOR_MAC, startDirectorSwitch } from '../../segment/director.ts'
import { startSegment } from '../../segment/segment.ts'
import { cleanupOf } from '../cleanup.ts'
import { program, startProgram } from '../director/network.ts'
import { memoryLog } from '../run/memory-log.ts'
import { openSwitchOf } from './open-switch.ts'

const VIP = '2001:db8::100'
const ZONE = 0x4001

/** A client, two hosts that hold the VIP as agents make them, and a director's switch; all of them speak IPv6. */
async function startNetwork(t: Parameters<typeof cleanupOf>[0]) {
  const cleanup = cleanupOf(t)
  const segment = await startSegment(cleanup)
  const plug = async (n: number) => {
    const space = await segment.plug('eth0', n)
    await space.run(`sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0
      ip address add 2001:db8::${n}/64 dev eth0 nodad`)
    return space
  }
  const startHost = async (n: number) => {
    const host = await plug(20 + n)
    // By its path: npm has another nft.
    await host.run(
      `ip address add ${VIP}/128 dev lo nodad && /usr/sbin/nft -f -`,
      `add table ip6 agent
      add chain ip6 agent reply { type filter hook output priority -300; }
      add rule ip6 agent reply tcp sport 8080 notrack tcp sport set 80`,
    )
    await startProgram(cleanup, host, /listening/, program('web-server', '8080', `web-${n}`))
    return host
  }
  const [client, sw, ...hosts] = await Promise.all([plug(10), startDirectorSwitch(segment), startHost(0), startHost(1)])
  return { client, ovs: sw, hosts }
}

test('IPv6: who asks for the VIP gets D, echo is answered, connections are shared out and tracked', async t => {
  t.timeout(60_000)
  const { client, ovs, hosts } = await startNetwork(t)
  const uplink = Number(await ovs.vsctl('get', 'interface', 'uplink0', 'ofport'))
  const site: Site = {
    directorMac: DIRECTOR_MAC,
    recallMac: recallMacOf(DIRECTOR_MAC),
    uplink,
    ownMacs: [DIRECTOR_MAC],
    accessPorts: [],
    fabric: 'l2',
    accounting: false,
  }
  /** Does what the director's process does. */
  const answer = ({ cookie, inPort, data }: PacketIn) => {
    const frame = solicited(data, { mac: DIRECTOR_MAC, ethSrc: DIRECTOR_MAC })
    if (decodeCookie(cookie)?.kind !== 'vip-arp' || frame === undefined) return
    void sw.packetOut({ inPort: inPort!, actions: [{ type: 'output', port: PORT.IN_PORT }], data: frame })
  }
  const sw = await openSwitchOf(t, ovs, 'director', answer)
  for (const meter of metersFor(2)) await sw.setMeter(meter)
  const applier = createApplier({ log: memoryLog(), clock: systemClock })
  const serve = (change: Partial<CompiledService>) => {
    const service: CompiledService = {
      vip: VIP,
      port: 80,
      protocol: 'tcp',
      clients: ['2001:db8::/64'],
      number: 1,
      zone: ZONE,
      onEmpty: 'drop',
      accounted: false,
      shares: [],
      targets: hosts.map(({ mac: hostMac }, i) => ({
        mark: i + 1,
        hostMac,
        hostIp: `172.24.1.2${i}`,
        ingressPort: 8080,
        newConnections: true,
      })),
      ...change,
    }
    return applier.apply(
      compile(site, [service], () => 1),
      sw,
    )
  }
  const curl = async (times: number) => {
    const resolve = `--resolve 'vip:80:[${VIP}]'`
    const names = await client.run(`curl -sS --fail-early --max-time 30 ${resolve} 'http://vip/[1-${times}]'`)
    const count = (name: string) => names.split('\n').filter(line => line === name).length
    return [count('web-0'), count('web-1')]
  }

  const turns = { order: [1, 1, 2], again: 0, after: 0 }
  await serve({ turns })
  await client.run(`ping -6 -c 1 -W 5 ${VIP}`)
  t.regex(await client.run(`ip -6 neighbour show ${VIP}`), new RegExp(`lladdr ${DIRECTOR_MAC}`))
  t.deepEqual(await curl(30), [20, 10], 'by turns')

  const entries = (await ovs.appctl('dpctl/dump-conntrack', '-m', '-s', `zone=${ZONE}`)).split('\n')
  t.is(entries.length, 30)
  for (const line of entries) t.like(parseEntry(line), { client: '2001:db8::10', vip: VIP, vipPort: 80 }, line)

  await serve({
    shares: [
      { mark: 1, slots: 128 },
      { mark: 2, slots: 128 },
    ],
  })
  t.true(
    (await curl(30)).every(count => count > 0),
    'by the group',
  )
  const persistence = { zone: 0x4002, timeout: 300, mask: 'ffff:ffff:ffff:ffff::', recalled: false }
  await serve({ turns, persistence })
  t.deepEqual(await curl(6), [6, 0], 'one client stays with one real server')
})
