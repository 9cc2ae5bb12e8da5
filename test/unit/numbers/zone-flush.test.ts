import test from 'ava'
import { createZoneFlush } from '../../../director/numbers/zone-flush.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

function setUp(flush: (zone: number) => Promise<void>) {
  const clock = fakeClock()
  const log = memoryLog()
  const done: string[] = []
  const zones = createZoneFlush({
    clock,
    log,
    idleSeconds: 1,
    zonesOf: key => [Number(key)],
    isPending: () => false,
    flush,
    done: key => void done.push(key),
  })
  return { clock, log, done, zones }
}

test('after its end nothing more is flushed, not even when a flush was under way', async t => {
  const flushed: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const { clock, done, zones } = setUp(zone => {
    flushed.push(zone)
    return promise
  })
  zones.orphaned(['1'])
  await clock.advance(500)
  zones.orphaned(['2'])
  await clock.advance(600)
  zones.close()
  resolve()
  await clock.advance(60_000)
  t.deepEqual(flushed, [1])
  t.deepEqual(done, [])
})

test('a flush that fails is tried again; the operator hears of it once', async t => {
  let failing = true
  const { clock, done, log, zones } = setUp(async () => {
    if (failing) throw new Error('the switch is away')
  })
  const warnings = () => log.lines.filter(({ level }) => level === 'warn').length
  zones.orphaned(['1', '2'])
  await clock.advance(60_000)
  t.is(warnings(), 1)
  t.deepEqual(done, [])
  failing = false
  await clock.advance(20_000)
  t.deepEqual(done, ['1', '2'])
  failing = true
  zones.orphaned(['3'])
  await clock.advance(10_000)
  t.is(warnings(), 2)
})
