import { getHeapStatistics } from 'node:v8'
import { CrossportError, type ErrorCode } from '../errors.ts'
import type { Log } from '../log.ts'

/** Signals that end a process and that no part of a daemon listens to (signal(7)). SIGUSR1 is Node's own. */
const FATAL = ['SIGQUIT', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGPROF', 'SIGXCPU', 'SIGXFSZ', 'SIGABRT'] as const

/** The heap is looked at so often (ms). What V8 itself says when it is full goes to stderr, without a code. */
const HEAP_LOOK_MS = 2000
/** Share of the heap's limit from which there is a word. */
const HEAP_HIGH = 0.9

/** Whatever ends the process says why in the journal, with a code. Returns what ends that. */
export function lastWords(log: Log): () => void {
  let said = false
  const say = (code: ErrorCode, why: string, cause?: unknown) => {
    said = true
    log.error('the daemon ends', { err: new CrossportError(code, why, cause === undefined ? {} : { cause }) })
  }
  const crashed = (error: unknown, origin: string) => {
    say(
      'DAEMON_CRASHED',
      origin === 'unhandledRejection' ? 'a rejection that nobody handles' : 'an error that nobody catches',
      error,
    )
    // What was thrown may have left anything half done; flows stay, and the service manager starts it anew.
    process.exit(1)
  }
  const signalled = (signal: NodeJS.Signals) => {
    say('DAEMON_SIGNALLED', `it got ${signal}`)
    process.off(signal, signalled)
    process.kill(process.pid, signal)
  }
  const exits = (code: number) => {
    if (!said && code !== 0) say('DAEMON_CRASHED', `exit code ${code}`)
  }
  let high = false
  const heap = setInterval(() => {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    const now = used > limit * HEAP_HIGH
    if (now && !high)
      log.error('memory runs out', {
        err: new CrossportError('MEMORY_LOW', `${mib(used)} of ${mib(limit)} MiB are in use`),
      })
    high = now
  }, HEAP_LOOK_MS).unref()

  process.on('uncaughtException', crashed)
  process.on('exit', exits)
  for (const signal of FATAL) process.on(signal, signalled)
  return () => {
    clearInterval(heap)
    process.off('uncaughtException', crashed)
    process.off('exit', exits)
    for (const signal of FATAL) process.off(signal, signalled)
  }
}

const mib = (bytes: number) => Math.round(bytes / 2 ** 20)
