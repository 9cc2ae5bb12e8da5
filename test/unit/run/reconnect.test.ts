import test from 'ava'
import { type ConnectEvents, type Connection, keepConnected } from '../../../shared/run/keep-connected.ts'
import { createReconnect } from '../../../shared/run/reconnect.ts'
import { fakeClock } from './fake-clock.ts'

test('backoff: first retry fast, then 1 s doubling to 8 s', t => {
  const fsm = createReconnect()
  let now = 0
  fsm.start(now)
  const waits: number[] = []
  for (let i = 0; i < 8; i++) {
    const wait = fsm.wait(now) ?? Number.NaN
    waits.push(wait)
    now += wait
    t.is(fsm.task(now), 'connect')
    fsm.connecting(now)
    fsm.disconnected(now)
  }
  t.deepEqual(waits, [0, 100, 1000, 2000, 4000, 8000, 8000, 8000])
  t.is(fsm.failures, 8)
})

test('a connection that lasted resets the backoff, one that hung up at once does not', t => {
  const fsm = createReconnect()
  fsm.start(0)
  fsm.connecting(0)
  fsm.connected(0)
  fsm.disconnected(1)
  t.is(fsm.wait(1), 100)
  fsm.connecting(101)
  fsm.connected(101)
  fsm.disconnected(102)
  t.is(fsm.wait(102), 1000)
  fsm.connecting(1102)
  fsm.connected(1102)
  fsm.disconnected(1102 + 999)
  t.is(fsm.wait(1102 + 999), 2000)
  fsm.connecting(5000)
  fsm.connected(5000)
  fsm.disconnected(5000 + 2000)
  t.is(fsm.wait(7000), 100)
})

test('silence is probed once, and a second silence disconnects', t => {
  const fsm = createReconnect({ probeInterval: 1000 })
  fsm.start(0)
  fsm.connecting(0)
  fsm.connected(0)
  t.is(fsm.task(999), undefined)
  t.is(fsm.task(1000), 'probe')
  t.is(fsm.state, 'idle')
  t.is(fsm.task(1001), undefined)
  fsm.activity(1500)
  t.is(fsm.state, 'active')
  t.is(fsm.wait(1500), 1000)
  t.is(fsm.task(2500), 'probe')
  t.is(fsm.task(3500), 'disconnect')
})

test('stop asks for nothing any more, in any state', t => {
  for (const steps of [0, 1, 2]) {
    const fsm = createReconnect()
    fsm.start(0)
    if (steps > 0) fsm.connecting(0)
    if (steps > 1) fsm.connected(0)
    fsm.stop(0)
    t.is(fsm.wait(0), undefined)
    fsm.disconnected(1)
    t.is(fsm.state, 'void')
  }
})

interface Dial {
  events: ConnectEvents
  signal: AbortSignal
  accept(): FakeConnection
  refuse(): void
}
interface FakeConnection extends Connection {
  probes: number
  destroyed: boolean
}

function harness(options: { probeInterval?: number } = {}) {
  const clock = fakeClock()
  const dials: Dial[] = []
  const seen: string[] = []
  const kept = keepConnected<FakeConnection>({
    ...options,
    clock,
    connect: (events, signal) =>
      new Promise((resolve, reject) => {
        dials.push({
          events,
          signal,
          accept: () => {
            const connection: FakeConnection = {
              probes: 0,
              destroyed: false,
              probe: () => void connection.probes++,
              destroy: () => {
                connection.destroyed = true
              },
            }
            resolve(connection)
            return connection
          },
          refuse: () => reject(new Error('refused')),
        })
      }),
    onUp: () => seen.push('up'),
    onDown: reason => seen.push(`down: ${reason}`),
    onFailure: (error, retryMs) => seen.push(`${error.message}, again in ${retryMs}`),
  })
  return { clock, dials, seen, kept }
}

test('dials, is lost, dials again', async t => {
  const { clock, dials, seen, kept } = harness()
  await clock.advance(0)
  dials[0]!.refuse()
  await clock.advance(100)
  t.is(dials.length, 2)
  const connection = dials[1]!.accept()
  await clock.advance(0)
  t.is(kept.current, connection)
  dials[1]!.events.lost('reset')
  t.true(connection.destroyed)
  t.is(kept.current, undefined)
  await clock.advance(1000)
  t.is(dials.length, 3)
  t.deepEqual(seen, ['refused, again in 100', 'up', 'down: reset'])
  kept.close()
  t.is(clock.pending, 0)
})

test('an attempt that hangs is given up, and its late success is destroyed', async t => {
  const { clock, dials, seen, kept } = harness()
  await clock.advance(5000)
  t.true(dials[0]!.signal.aborted)
  t.deepEqual(seen, ['connecting timed out, again in 100'])
  const late = dials[0]!.accept()
  await clock.advance(0)
  t.true(late.destroyed)
  t.is(kept.current, undefined)
  kept.close()
})

test('no answer to the probe ends the connection; events of an old connection are ignored', async t => {
  const { clock, dials, seen, kept } = harness({ probeInterval: 1000 })
  await clock.advance(0)
  const first = dials[0]!.accept()
  await clock.advance(1000)
  t.is(first.probes, 1)
  await clock.advance(1000)
  t.true(first.destroyed)
  await clock.advance(100)
  dials[1]!.accept()
  await clock.advance(0)
  dials[0]!.events.lost('late')
  t.deepEqual(seen, ['up', 'down: no answer to the inactivity probe', 'up'])
  kept.close()
  await clock.advance(60_000)
  t.is(dials.length, 2)
})

test('what an attempt says of its own abortion is no news', async t => {
  const clock = fakeClock()
  const seen: string[] = []
  const open = () =>
    keepConnected<Connection>({
      clock,
      connect: async (events, signal) => {
        signal.addEventListener('abort', () => events.lost('aborted'))
        return { probe: () => {}, destroy: () => events.lost('destroyed') }
      },
      onUp: () => seen.push('up'),
      onDown: reason => seen.push(`down: ${reason}`),
      onFailure: error => seen.push(`failed: ${error.message}`),
    })
  const first = open()
  await clock.advance(0)
  first.close()
  t.deepEqual(seen, ['up'])
  const second = open()
  await clock.advance(0)
  second.drop('of no use')
  t.deepEqual(seen, ['up', 'up', 'down: of no use'])
  second.close()
})
