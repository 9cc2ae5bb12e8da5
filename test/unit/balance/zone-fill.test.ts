import test from 'ava'
import { startZoneFill } from '../../../director/balance/zone-fill.ts'
import type { CompiledService } from '../../../director/compile/types.ts'
import type { VirtualService } from '../../../director/registry/services.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

/** Two services, of which the second has persistent clients; a limit of 1,000 entries in a table of 10,000. */
function setUp({ most }: { most: number | undefined } = { most: 1000 }) {
  const clock = fakeClock()
  const log = memoryLog()
  const zones = new Map([
    [1, 0],
    [2, 0],
    [3, 0],
  ])
  let others = 0
  let reads = 0
  const all = () => zones.values().reduce((sum, n) => sum + n, others)
  const fill = startZoneFill({
    limits: {
      most,
      count: async wanted => {
        reads++
        return new Map(wanted.map(zone => [zone, zones.get(zone)!]))
      },
    },
    table: async () => ({ entries: all(), most: 10_000 }),
    plan: () => ({
      services: [{ service: 'web' }, { service: 'shop' }] as VirtualService[],
      compiled: [{ zone: 1 }, { zone: 2, persistence: { zone: 3 } }] as CompiledService[],
      problems: [],
    }),
    log,
    clock,
    changed: () => {},
  })
  const next = async (zone: number, entries: number) => {
    zones.set(zone, entries)
    await clock.advance(5000)
    return fill.problems.map(({ code, subject, message }) => `${code} ${subject}: ${message}`)
  }
  return { fill, next, log, reads: () => reads, take: (n: number) => void (others = n) }
}

test('the service that fills its part is named, until it has room again', async t => {
  const { next, log, reads } = setUp()
  t.deepEqual(await next(1, 700), [])
  t.is(reads(), 0, 'no zone can have as much')
  t.deepEqual(await next(1, 899), [])
  const full =
    'CONNECTION_TABLE_FULL web: its connections have 950 of 1000 entries; with all of them in use, new ones go on without an entry, and hosts are asked about each of their packets'
  t.deepEqual(await next(1, 950), [full])
  t.deepEqual(await next(1, 820), [full])
  t.deepEqual(await next(1, 799), [])
  t.regex((await next(3, 1000))[0]!, /shop: its connections have 1000 of 1000/)
  t.deepEqual(
    log.lines.map(({ message, service }) => `${message}: ${service}`),
    [
      'a service fills its part of the connection table: web',
      'a service has room in the connection table again: web',
      'a service fills its part of the connection table: shop',
    ],
  )
})

test('whether a connection may get no entry is read from the switch: its zone is full, or the table', async t => {
  const { fill, next, take } = setUp()
  await next(1, 900)
  t.false(await fill.isFull(1))
  await next(1, 1000)
  t.true(await fill.isFull(1))
  t.false(await fill.isFull(2))
  take(9000)
  t.true(await fill.isFull(2))
})

test('without a limit nothing is full', async t => {
  const { fill, next } = setUp({ most: undefined })
  t.deepEqual(await next(1, 10_000), [])
  t.false(await fill.isFull(1))
})
