import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { afterReading } from '../../../shared/run/after-reading.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { tempDir } from '../cleanup.ts'
import { fakeClock } from './fake-clock.ts'

test('late is who has not answered, not who could not be heard', async t => {
  const dir = tempDir(t)
  const server = createServer().listen(join(dir, 'peer'))
  await once(server, 'listening')
  const mine = createConnection(join(dir, 'peer'))
  const [peer] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => {
    mine.destroy()
    peer.destroy()
    server.close()
  })
  const outcome = await new Promise(resolve => {
    const cancel = afterReading(systemClock, 200, () => resolve('late'))
    mine.once('data', () => {
      cancel()
      resolve('answered')
    })
    peer.write('here I am')
    for (const until = performance.now() + 500; performance.now() < until; ) {
      // The process is suspended.
    }
  })
  t.is(outcome, 'answered')
})

test('it comes when it is due, and not after it was cancelled', async t => {
  const clock = fakeClock()
  let late = 0
  afterReading(clock, 1000, () => late++)
  await clock.advance(999)
  t.is(late, 0)
  await clock.advance(1)
  t.is(late, 1)
  const cancel = afterReading(clock, 1000, () => late++)
  await clock.advance(950)
  cancel()
  await clock.advance(1000)
  t.is(late, 1)
})
