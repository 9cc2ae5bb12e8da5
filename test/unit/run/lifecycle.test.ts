import { EventEmitter, once } from 'node:events'
import { setImmediate as immediate } from 'node:timers/promises'
import test from 'ava'
import { type LifecycleOptions, type Part, runLifecycle } from '../../../shared/run/lifecycle.ts'
import { memoryLog } from './memory-log.ts'

function harness(parts: (seen: string[]) => Part[], options: Partial<LifecycleOptions> = {}) {
  const seen: string[] = []
  const signals = new EventEmitter()
  const log = memoryLog()
  const done = runLifecycle({
    log,
    signals,
    parts: parts(seen),
    onReady: () => {
      seen.push('ready')
      signals.emit('ready')
    },
    onReload: () => seen.push('reload'),
    exit: code => seen.push(`exit ${code}`),
    ...options,
  })
  return { seen, signals, log, done }
}

const part = (seen: string[], name: string, stop: () => void = () => {}): Part => ({
  name,
  start: async () => {
    seen.push(`+${name}`)
    return () => {
      seen.push(`-${name}`)
      stop()
    }
  },
})

test('starts in order, reloads on SIGHUP, stops in reverse on SIGTERM and leaves no listener', async t => {
  const { seen, signals, done } = harness(seen => [part(seen, 'a'), part(seen, 'b')])
  await once(signals, 'ready')
  signals.emit('SIGHUP', 'SIGHUP')
  signals.emit('SIGTERM', 'SIGTERM')
  await done
  t.deepEqual(seen, ['+a', '+b', 'ready', 'reload', '-b', '-a'])
  t.deepEqual(signals.eventNames(), [])
})

test('a failed start stops what had started and throws its error', async t => {
  const { seen, done } = harness(seen => [
    part(seen, 'a'),
    {
      name: 'b',
      start: () => {
        throw new Error('b is broken')
      },
    },
    part(seen, 'c'),
  ])
  await t.throwsAsync(done, { message: 'b is broken' })
  t.deepEqual(seen, ['+a', '-a'])
})

test('a failed stop is logged and the others are stopped all the same', async t => {
  const controller = new AbortController()
  const { seen, signals, log, done } = harness(
    seen => [
      part(seen, 'a'),
      part(seen, 'b', () => {
        throw new Error('stuck')
      }),
    ],
    { signal: controller.signal },
  )
  await once(signals, 'ready')
  controller.abort()
  await done
  t.deepEqual(seen, ['+a', '+b', 'ready', '-b', '-a'])
  t.is(log.lines.filter(l => l.level === 'warn').length, 1)
})

test('a signal during start aborts it, and is no failure', async t => {
  const { seen, signals, done } = harness(seen => [
    part(seen, 'a'),
    {
      name: 'slow',
      start: signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
    part(seen, 'c'),
  ])
  await new Promise(resolve => setImmediate(resolve))
  signals.emit('SIGINT', 'SIGINT')
  await done
  t.deepEqual(seen, ['+a', '-a'])
})

test('a second signal exits at once', async t => {
  let release = () => {}
  const { seen, signals, done } = harness(() => [
    { name: 'a', start: () => () => new Promise<void>(resolve => (release = resolve)) },
  ])
  await once(signals, 'ready')
  signals.emit('SIGTERM', 'SIGTERM')
  signals.emit('SIGTERM', 'SIGTERM')
  t.deepEqual(seen, ['ready', 'exit 143'])
  await new Promise(resolve => setImmediate(resolve))
  release()
  await done
})

test('late parts start when they may, after all others, and stop first', async t => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { seen, signals, done } = harness(
    seen => [part(seen, 'a'), { ...part(seen, 'b'), late: true }, part(seen, 'c')],
    { late: () => promise },
  )
  await immediate()
  t.deepEqual(seen, ['+a', '+c'])
  resolve()
  await once(signals, 'ready')
  signals.emit('SIGTERM', 'SIGTERM')
  await done
  t.deepEqual(seen, ['+a', '+c', '+b', 'ready', '-b', '-c', '-a'])
})

test('a part may stop before those that have started after it, late ones, too', async t => {
  const first = { stopsFirst: true }
  const { seen, signals, done } = harness(seen => [
    part(seen, 'a'),
    { ...part(seen, 'b'), ...first },
    part(seen, 'c'),
    { ...part(seen, 'd'), ...first, late: true },
    { ...part(seen, 'e'), late: true },
  ])
  await once(signals, 'ready')
  signals.emit('SIGTERM', 'SIGTERM')
  await done
  t.deepEqual(seen.slice(-5), ['-d', '-b', '-e', '-c', '-a'])
})

test('a daemon that is stopped before its late parts may start never starts them', async t => {
  const { seen, signals, done } = harness(seen => [part(seen, 'a'), { ...part(seen, 'b'), late: true }], {
    late: () => new Promise(() => {}),
  })
  await immediate()
  signals.emit('SIGTERM', 'SIGTERM')
  await done
  t.deepEqual(seen, ['+a', '-a'])
})
