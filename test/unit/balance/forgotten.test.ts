import test from 'ava'
import fc from 'fast-check'
import { countByMark, forgotten, startForgotten } from '../../../director/balance/forgotten.ts'
import { ENDED } from '../../../director/compile/tables.ts'
import type { CompiledService } from '../../../director/compile/types.ts'
import type { VirtualService } from '../../../director/registry/services.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import type { FlowStats, FlowStatsFilter } from '../../../shared/switch/types.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { rs } from '../schedule/fixture.ts'

const entry = (mark: number) =>
  `tcp,orig=(src=10.10.1.10,dst=10.10.1.100,sport=40000,dport=80),reply=(src=10.10.1.100,dst=10.10.1.10,sport=80,dport=40000),zone=16385,timeout=880,mark=${mark},protoinfo=(state=ESTABLISHED)\n`

/** A service whose real servers have the marks 1, 2, 3. */
function setUp({ entries = 0 as number | undefined, names = ['a'], inZone = undefined as number | undefined } = {}) {
  const clock = fakeClock()
  const counted = new Map<number, { opened: number; ended: number }>()
  /** Marks of the entries in the table. */
  let table: number[] = []
  let dumps = 0
  let flooded = false
  const realServers = names.map(name => rs(name))
  const service = { key: 'tcp 10.10.1.100:80', protocol: 'tcp', realServers } as unknown as VirtualService
  const compiled = { number: 1, zone: 16385 } as CompiledService
  const stop = startForgotten({
    switch: () => ({
      state: 'up',
      readFlowStats: async ({ kind }: FlowStatsFilter): Promise<FlowStats[]> =>
        [...(kind === 'reset' ? [] : counted)].map(([ct_mark, { opened, ended }]) => {
          return { cookie: 0n, packets: kind === 'opened' ? opened : ended, match: { ct_mark } }
        }),
    }),
    plan: () => ({ services: [service], compiled: [compiled], problems: [] }),
    markOf: (_, id) => names.indexOf(id) + 1,
    activeOf: () => counted.values().reduce((sum, { opened, ended }) => sum + opened - ended, 0),
    dump: async () => {
      dumps++
      return table.map(entry).join('')
    },
    entries: async () => entries,
    entriesOf: async () => inZone,
    isFlooded: () => flooded,
    log: quiet,
    clock,
  })
  return {
    clock,
    of: (id: string) => stop.of(service, id, counted.get(names.indexOf(id) + 1)?.opened ?? 0),
    count: (mark: number, opened: number, ended: number) => counted.set(mark, { opened, ended }),
    hold: (marks: number[]) => {
      table = marks
    },
    dumps: () => dumps,
    flood: () => {
      flooded = true
    },
  }
}

test('what is not in the table any more, and has not ended, is forgotten; what has ended there is not there', async t => {
  const { clock, of, count, hold } = setUp({ names: ['a', 'b'] })
  count(1, 10, 4)
  count(2, 5, 0)
  hold([1, 1, 1 + ENDED, 2, 2, 2, 2, 2])
  t.is(of('a'), 0)
  await clock.advance(60_000)
  t.is(of('a'), 4)
  t.is(of('b'), 0)
  hold([1, 2])
  await clock.advance(60_000)
  t.is(of('a'), 5)
  t.is(of('b'), 4)
})

test('a service without active connections is not looked at, one with some once a minute', async t => {
  const { clock, count, dumps } = setUp()
  await clock.advance(600_000)
  t.is(dumps(), 0)
  count(1, 1, 0)
  await clock.advance(600_000)
  t.true(dumps() >= 8 && dumps() <= 10, `${dumps()}`)
})

test('a table whose reading clients would notice is left alone', async t => {
  const many = setUp({ entries: 200_000 })
  many.count(1, 10, 0)
  await many.clock.advance(600_000)
  t.is(many.dumps(), 0)
  const kernel = setUp({ entries: undefined })
  kernel.count(1, 10, 0)
  await kernel.clock.advance(60_000)
  t.is(kernel.dumps(), 1)
})

test('where only the zone’s entries are counted, what a flood has left is forgotten in proportion', async t => {
  const { clock, of, count, dumps } = setUp({ entries: 200_000, names: ['a', 'b'], inZone: 90 })
  count(1, 10_000, 4000)
  count(2, 3000, 0)
  await clock.advance(60_000)
  t.is(dumps(), 0)
  t.is(of('a'), 6000 - 60)
  t.is(of('b'), 3000 - 30)
})

test('the table of a service that is being flooded is not read', async t => {
  const kernel = setUp({ entries: undefined })
  kernel.count(1, 10, 0)
  kernel.flood()
  await kernel.clock.advance(60_000)
  t.is(kernel.dumps(), 0)
})

test('counters that began anew have nothing forgotten', async t => {
  const { clock, of, count } = setUp()
  count(1, 10, 0)
  await clock.advance(60_000)
  t.is(of('a'), 10)
  count(1, 3, 0)
  t.is(of('a'), 0)
})

test('marks are counted by what is written last, in bits and all', async t => {
  const counts = await countByMark([1, 1, 2, 16_777_215, 1 + ENDED].map(entry).join(''))
  t.deepEqual(
    [...counts],
    [
      [1, 2],
      [2, 1],
      [16_777_215, 1],
    ],
  )
  t.is((await countByMark('')).size, 0)
})

test('what another real server had opened is there all the same', t => {
  const still = { opened: 3, ended: 1 }
  t.is(forgotten(0, 5, still, still), -3)
})

test('whatever comes and goes meanwhile, the true number is never left, and is found when nothing does', t => {
  const some = fc.nat(50)
  fc.assert(
    fc.property(some, some, some, some, some, some, some, (vanished, alive, ended, ...meanwhile) => {
      // Connections that open and end between the first reading and the count, and between the count and the last reading.
      const [opened1 = 0, ended1 = 0, opened2 = 0, ended2 = 0] = meanwhile
      const before = { opened: vanished + alive + ended, ended }
      const there = Math.max(0, alive + opened1 - ended1)
      const gone = alive + opened1 - there
      const after = {
        opened: before.opened + opened1 + opened2,
        ended: ended + gone + Math.min(ended2, there + opened2),
      }
      t.is(forgotten(vanished, there, before, after), vanished, 'what was right stays so')
      const still = { opened: before.opened, ended }
      t.is(forgotten(meanwhile[0]!, alive, still, still), vanished)
      const guess = forgotten(0, there, before, after)
      t.true(guess >= 0 && guess <= vanished)
    }),
  )
})
