import test from 'ava'
import { startFloods } from '../../../director/balance/floods.ts'
import type { CompiledService } from '../../../director/compile/types.ts'
import type { VirtualService } from '../../../director/registry/services.ts'
import { type CookieKind, encodeCookie } from '../../../shared/flows/cookie.ts'
import type { FlowStatsFilter } from '../../../shared/switch/types.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

const NAMES = ['web', 'mail', 'dns'] as const
type Name = (typeof NAMES)[number]

/** Services with the numbers 1, 2, 3, of which the last is UDP, and a switch with scripted counters. */
function setUp() {
  const clock = fakeClock()
  const log = memoryLog()
  let changes = 0
  let reads = 0
  const counts = new Map<string, number>()
  const services = NAMES.map(name => ({ service: name, vip: vipOf(name) }) as VirtualService)
  const compiled = NAMES.map((name, i) => {
    return { number: i + 1, vip: vipOf(name), protocol: name === 'dns' ? 'udp' : 'tcp' } as CompiledService
  })
  const flows = ({ kind }: FlowStatsFilter) =>
    [...counts].flatMap(([key, packets]) => {
      const [of, name] = key.split(' ')
      if (of !== kind || name === undefined) return []
      const number = NAMES.indexOf(name as Name) + 1
      const match = { ipv4_dst: vipOf(name), ...(kind === 'from-host' ? { tcp_dst: 8080 } : {}) }
      const object = number
      return [{ cookie: encodeCookie('director', kind as CookieKind, object), packets, match }]
    })
  const sw = {
    state: 'up' as const,
    readPackets: async (filter: FlowStatsFilter) => flows(filter).reduce((sum, { packets }) => sum + packets, 0),
    readFlowStats: async (filter: FlowStatsFilter) => {
      reads++
      const { object } = filter
      return flows(filter).filter(({ cookie }) => object === undefined || Number(cookie & 0xffff_ffffn) === object)
    },
  }
  const floods = startFloods({
    switch: () => sw,
    plan: () => ({ services, compiled, problems: [] }),
    log,
    clock,
    changed: () => void changes++,
  })
  const come = (kind: CookieKind, name: Name, n: number) =>
    counts.set(`${kind} ${name}`, (counts.get(`${kind} ${name}`) ?? 0) + n)
  return {
    clock,
    log,
    come,
    /** New connections, of which so many are followed by three packets each. */
    connect: (name: Name, n: number, followed: number) => {
      come('commit-mark', name, n)
      come('schedule', name, n)
      come('connection', name, 3 * followed)
      come('ended', name, followed)
    },
    forget: () => counts.clear(),
    floods: () => floods.floods.map(({ kind, services }) => `${kind} ${services.join(' ')}`),
    since: () => floods.floods[0]?.since.getTime(),
    rate: () => floods.floods[0]?.rate,
    changes: () => changes,
    reads: () => reads,
  }
}

const vipOf = (name: string) => `10.10.1.${100 + NAMES.indexOf(name as Name)}`

/** Each second of `seconds`. */
async function each(clock: ReturnType<typeof fakeClock>, seconds: number, act: () => void) {
  for (let n = 0; n < seconds; n++) {
    act()
    await clock.advance(1000)
  }
}

test('SYNs that nothing follows: to which service, since when, how many; and when it has ended', async t => {
  const { clock, log, connect, floods, since, rate, changes } = setUp()
  const usual = () => {
    connect('web', 100, 100)
    connect('mail', 2000, 2000)
  }
  await each(clock, 10, usual)
  t.deepEqual(floods(), [])
  const began = clock.wall().getTime()
  await each(clock, 10, () => {
    usual()
    connect('web', 4000, 0)
  })
  t.deepEqual(floods(), ['syn web'])
  t.true(Math.abs(since()! - began) <= 3000)
  t.is(Math.round(rate()! / 1000), 4)
  t.is(changes(), 1)
  await each(clock, 9, usual)
  t.deepEqual(floods(), ['syn web'])
  await each(clock, 5, usual)
  t.deepEqual(floods(), [])
  t.is(changes(), 2)
  t.deepEqual(
    log.lines.map(({ message, service }) => `${message}: ${service}`),
    ['many packets lead to nothing: web', 'a flood has ended: web'],
  )
})

test('many clients that mean it are no flood, nor are those that connect and then say nothing, nor a herd', async t => {
  const { clock, connect, come, floods } = setUp()
  await each(clock, 10, () => connect('web', 20_000, 20_000))
  await each(clock, 10, () => {
    connect('web', 5000, 0)
    come('connection', 'web', 5000)
  })
  t.deepEqual(floods(), [])
  // What follows is counted a second later.
  connect('mail', 6000, 0)
  await clock.advance(1000)
  connect('mail', 0, 6000)
  await each(clock, 10, () => connect('mail', 10, 10))
  t.deepEqual(floods(), [])
})

test('packets of connections that no host knows; a table that was lost is none', async t => {
  const { clock, come, floods } = setUp()
  await each(clock, 8, () => {
    come('ask', 'web', 9000)
    come('from-host', 'web', 9000)
  })
  t.deepEqual(floods(), [])
  await each(clock, 8, () => come('ask', 'mail', 3000))
  t.deepEqual(floods(), ['stray mail'])
})

test('new flows of UDP, of which nobody knows what follows, are no flood', async t => {
  const { clock, connect, floods } = setUp()
  await each(clock, 10, () => connect('dns', 4000, 0))
  t.deepEqual(floods(), [])
})

test('ICMP errors and ARP by VIP', async t => {
  const { clock, come, floods } = setUp()
  await each(clock, 12, () => {
    come('vip-icmp-error', 'web', 1500)
    come('vip-arp', 'dns', 1500)
    come('vip-arp', 'web', 10)
  })
  t.deepEqual(floods(), ['icmp-error web', 'neighbour dns'])
})

test('a switch whose counters begin anew, and one that is quiet, of which nothing else is read', async t => {
  const { clock, connect, forget, floods, reads } = setUp()
  await each(clock, 10, () => connect('web', 10, 0))
  t.is(reads(), 0)
  await each(clock, 10, () => connect('web', 4000, 0))
  t.deepEqual(floods(), ['syn web'])
  forget()
  await each(clock, 10, () => connect('web', 4000, 0))
  t.deepEqual(floods(), ['syn web'])
})
