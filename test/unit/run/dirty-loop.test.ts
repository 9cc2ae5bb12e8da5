import test from 'ava'
import fc from 'fast-check'
import { createDirtyLoop, type DirtyLoopOptions } from '../../../shared/run/dirty-loop.ts'
import { fakeClock } from './fake-clock.ts'
import { memoryLog } from './memory-log.ts'

function harness(options: Partial<DirtyLoopOptions> = {}) {
  const clock = fakeClock()
  const log = memoryLog()
  const acts: { at: number; reasons: readonly string[] }[] = []
  let fail = 0
  const loop = createDirtyLoop({
    clock,
    log,
    act: async (_signal, reasons) => {
      acts.push({ at: clock.now(), reasons })
      if (fail-- > 0) throw new Error('no')
    },
    ...options,
  })
  return { clock, log, acts, loop, failNext: (n: number) => (fail = n) }
}

test('a burst is acted on once, with every reason', async t => {
  const { clock, acts, loop } = harness()
  for (const reason of ['a', 'b', 'a']) loop.mark(reason)
  await clock.advance(100)
  t.deepEqual(acts, [{ at: 5, reasons: ['a', 'b'] }])
  t.false(loop.dirty)
})

test('a steady stream of marks does not starve the act', async t => {
  const { clock, acts, loop } = harness()
  for (let i = 0; i < 20; i++) {
    loop.mark('x')
    await clock.advance(1)
  }
  t.true(acts.length >= 3)
})

test('acts never overlap; a mark during an act leads to exactly one more', async t => {
  let running = 0
  let runs = 0
  const releases: (() => void)[] = []
  const { clock, loop } = harness({
    act: async () => {
      t.is(++running, 1)
      runs++
      await new Promise<void>(resolve => releases.push(resolve))
      running--
    },
  })
  loop.mark('a')
  await clock.advance(5)
  loop.mark('b')
  loop.mark('c')
  await clock.advance(50)
  t.is(runs, 1)
  releases[0]!()
  await clock.advance(50)
  t.is(runs, 2)
  let idle = false
  const waiting = loop.idle().then(() => {
    idle = true
  })
  await clock.advance(50)
  t.false(idle)
  releases[1]!()
  await clock.advance(0)
  await waiting
  t.is(runs, 2)
})

test('nothing is acted on before the gate opens', async t => {
  let missing: string | undefined = 'libvirt'
  const { clock, acts, loop } = harness({ gate: () => missing })
  loop.mark('files')
  await clock.advance(1000)
  t.deepEqual(acts, [])
  t.is(loop.waitingFor, 'libvirt')
  missing = undefined
  loop.mark('libvirt')
  await clock.advance(5)
  t.deepEqual(acts, [{ at: 1000, reasons: ['files', 'libvirt'] }])
})

test('failure stays dirty and is retried with growing waits, keeping its reasons', async t => {
  const { clock, acts, loop, log, failNext } = harness()
  failNext(4)
  loop.mark('a')
  await clock.advance(5)
  t.true(loop.dirty)
  t.is(loop.lastError?.message, 'no')
  await clock.advance(5000)
  t.deepEqual(
    acts.map(a => a.at),
    [5, 105, 305, 705, 1505],
  )
  t.deepEqual(acts.at(-1)?.reasons, ['a'])
  t.is(loop.failures, 0)
  t.is(log.lines.filter(l => l.level === 'warn').length, 4)
})

test('the wait is capped, and a mark cuts it short, but not below the first wait', async t => {
  const { clock, acts, loop, failNext } = harness({ retryMaxMs: 1000 })
  failNext(6)
  loop.mark('a')
  await clock.advance(5 + 100 + 200 + 400 + 800)
  t.is(acts.length, 5)
  loop.mark('cure')
  await clock.advance(99)
  t.is(acts.length, 5)
  await clock.advance(1)
  t.deepEqual(acts.at(-1)?.reasons, ['a', 'cure'])
  await clock.advance(999)
  t.is(acts.length, 6)
  await clock.advance(1)
  t.is(acts.length, 7)
})

test('throttle keeps the starts apart', async t => {
  const { clock, acts, loop } = harness({ throttleMs: 50 })
  loop.mark('a')
  await clock.advance(10)
  loop.mark('b')
  await clock.advance(200)
  t.deepEqual(
    acts.map(a => a.at),
    [5, 55],
  )
})

test('stop aborts the act under way, waits for it, and ignores later marks', async t => {
  let ended = false
  const { clock, loop } = harness({
    act: signal =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          ended = true
          reject(signal.reason)
        }),
      ),
  })
  loop.mark('a')
  await clock.advance(5)
  await loop.stop()
  t.true(ended)
  loop.mark('b')
  t.is(clock.pending, 0)
  await loop.idle()
})

test('the last snapshot is always acted on, whatever the order of marks, time and failures', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.constant('mark'), fc.constant('fail'), fc.nat(300)), { maxLength: 40 }),
      async events => {
        let value = 0
        let seen = 0
        let fail = false
        const { clock, loop } = harness({
          act: async () => {
            if (fail) {
              fail = false
              throw new Error('no')
            }
            seen = value
          },
        })
        for (const event of events) {
          if (event === 'mark') {
            value++
            loop.mark('m')
          } else if (event === 'fail') fail = true
          else await clock.advance(event as number)
        }
        await clock.advance(60_000)
        t.is(seen, value)
        t.false(loop.dirty)
      },
    ),
    { numRuns: 100 },
  )
})
