import test from 'ava'
import { createRefusedLog } from '../../../director/outlets/refused-log.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

const problem = (reason: string) => ({ code: 'HOST_SERVICE_REFUSED', subject: 'rs1/x', service: 'x', reason }) as const

test('a service that is left out is logged once, and not while hosts hear of a deleted file', async t => {
  const clock = fakeClock()
  const log = memoryLog()
  const refused = createRefusedLog(log, clock)
  refused.take([problem('a'), problem('b')])
  await clock.advance(1000)
  refused.take([problem('b'), { subject: 'rs1/y', service: 'y', reason: 'a conflict' }])
  await clock.advance(60_000)
  refused.take([problem('b')])
  await clock.advance(60_000)
  t.deepEqual(
    log.lines.map(({ err }) => String((err as Error).message)),
    ['b'],
  )
  refused.take([problem('c')])
  refused.close()
  t.is(clock.pending, 0)
})
