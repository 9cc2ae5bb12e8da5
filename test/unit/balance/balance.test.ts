import test from 'ava'
import { type Balance, startBalance } from '../../../director/balance/balance.ts'
import { compileService, type Plan, unjudged } from '../../../director/plan/plan.ts'
import type { ServiceOptions, VirtualService } from '../../../director/registry/services.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import type { FlowStats, FlowStatsFilter, Switch } from '../../../shared/switch/types.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { rs } from '../schedule/fixture.ts'

const numbers = (() => {
  const known = new Map<string, number>()
  return {
    of: (_kind: string, name: string) => {
      if (!known.has(name)) known.set(name, known.size + 1)
      return known.get(name)!
    },
    isKept: () => true,
    save() {},
  }
})()

function service(n: number, options: ServiceOptions = {}): VirtualService {
  return {
    key: `tcp 10.10.1.${n}:80`,
    service: `s${n}`,
    vip: `10.10.1.${n}`,
    port: 80,
    protocol: 'tcp',
    scheduler: 'wlc',
    clients: ['0.0.0.0/0'],
    source: 'x',
    options,
    realServers: [rs(`a${n}`), rs(`b${n}`)],
  }
}

/** The director's loop around a switch with scripted counters. */
function setUp(list: VirtualService[]) {
  const clock = fakeClock()
  const asked = { sums: 0, activity: 0, services: [] as number[], refreshed: 0 }
  /** By real server. */
  const opened = new Map<string, number>()
  const ended = new Map<string, number>()
  const forgotten = new Map<string, number>()
  const markOf = ({ key }: VirtualService, id: string) => numbers.of('mark', `${key} ${id}`)
  const numberOf = ({ key }: VirtualService) => numbers.of('service', key)
  const of = (counts: Map<string, number>, from: VirtualService) =>
    from.realServers.map(({ id }) => ({ id, packets: counts.get(id) ?? 0 }))
  const sum = (from: VirtualService) => of(opened, from).reduce((all, { packets }) => all + packets, 0)
  const stats = async ({ kind, object }: FlowStatsFilter): Promise<FlowStats[]> => {
    if (object === undefined) {
      asked.activity++
      return services.map(from => {
        const cookie = encodeCookie('director', 'commit-mark', numberOf(from))
        return { cookie, packets: sum(from), match: {} }
      })
    }
    if (kind === 'opened') asked.services.push(object)
    if (kind === 'reset') return []
    const from = services.find(found => numberOf(found) === object)!
    return of(kind === 'opened' ? opened : ended, from).map(({ id, packets }) => {
      return { cookie: 0n, packets, match: { ct_mark: markOf(from, id) } }
    })
  }
  const sw: Pick<Switch, 'state' | 'readFlowStats' | 'readPackets' | 'commit'> = {
    state: 'up',
    readFlowStats: stats,
    readPackets: async () => {
      asked.sums++
      return services.reduce((all, from) => all + sum(from), 0)
    },
    commit: async () => {
      asked.refreshed++
    },
  }
  let services = list
  let plan: Plan | undefined
  let marks = 0
  const balance: Balance = startBalance({
    switch: () => sw,
    plan: () => plan,
    markOf,
    judged: unjudged,
    forgottenOf: (_, id) => forgotten.get(id) ?? 0,
    udpTimeout: 300,
    log: quiet,
    clock,
    replan: () => {
      marks++
      apply(services)
    },
  })
  const planOf = (next: VirtualService[]) => {
    return { services: next, compiled: next.map(one => compileService(one, numbers, balance.knowledge)), problems: [] }
  }
  const force = (next: Plan) => {
    plan = next
    services = [...next.services]
  }
  const apply = (next: VirtualService[]) => force(planOf(next))
  apply(list)
  return { clock, asked, opened, ended, forgotten, balance, planOf, force, apply, numberOf, marks: () => marks }
}

const key = (n: number) => `tcp 10.10.1.${n}:80`

test('while no connection comes, one sum is read at a time, however many services there are', async t => {
  const { clock, asked, marks } = setUp(Array.from({ length: 200 }, (_, n) => service(n)))
  await clock.advance(10_000)
  t.true(asked.sums >= 10)
  t.deepEqual({ ...asked, sums: 0 }, { sums: 0, activity: 1, services: [], refreshed: 0 })
  t.is(marks(), 0)
})

test('connections cost the reading of the services that they come to', async t => {
  const list = Array.from({ length: 200 }, (_, n) => service(n))
  const { clock, asked, opened, balance, numberOf } = setUp(list)
  await clock.advance(1000)
  opened.set('a7', 3)
  await clock.advance(1000)
  t.deepEqual(new Set(asked.services), new Set([numberOf(list[7]!)]))
  t.is(balance.load(key(7))?.servers.get('a7')?.active, 3)
  t.is(balance.load(key(7))?.servers.get('a7')?.opened, 3)
})

test('a connection that ends long after the last one came is not active any more', async t => {
  const { clock, opened, ended, balance } = setUp([service(1), service(2), service(3)])
  await clock.advance(1000)
  for (const n of [1, 2, 3]) opened.set(`a${n}`, 5)
  await clock.advance(60_000)
  ended.set('a2', 4)
  await clock.advance(2000)
  t.is(balance.load(key(2))?.servers.get('a2')?.active, 1)
})

test('one that vanished without a word is not active any more', async t => {
  const { clock, opened, forgotten, balance } = setUp([service(1)])
  opened.set('a1', 5)
  await clock.advance(1000)
  t.is(balance.load(key(1))?.servers.get('a1')?.active, 5)
  forgotten.set('a1', 3)
  await clock.advance(1000)
  t.is(balance.load(key(1))?.servers.get('a1')?.active, 2)
})

test('connections of before this process are nothing new', async t => {
  const { clock, opened, balance } = setUp([service(1)])
  opened.set('a1', 1000)
  await clock.advance(1000)
  t.is(balance.load(key(1))?.servers.get('a1')?.active, 1000)
  t.is(balance.load(key(1))?.peak, 0)
})

test('a slow start changes the shares in twenty steps, and nobody is looked at after it', async t => {
  const slow = service(1, { slowStart: 20 })
  const { clock, asked, apply, marks } = setUp([slow])
  await clock.advance(1000)
  t.is(marks(), 0)
  apply([{ ...slow, realServers: [...slow.realServers, rs('c1')] }])
  await clock.advance(20_500)
  t.is(marks(), 19, 'the first of the twenty is there from the beginning')
  const looked = asked.services.length
  await clock.advance(20_000)
  t.is(asked.services.length, looked)
})

test('a service that came while another plan was on its way into force is accounted for', async t => {
  const { clock, opened, balance, planOf, force } = setUp([service(1)])
  await clock.advance(1000)
  const [first, second] = [planOf([service(1), service(3)]), planOf([service(1), service(2), service(3)])]
  force(first)
  await clock.advance(1000)
  force(second)
  opened.set('a2', 1)
  await clock.advance(1000)
  t.is(balance.load(key(2))?.servers.get('a2')?.active, 1)
})
