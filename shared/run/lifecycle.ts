import type { Log } from '../log.ts'
import { aborted } from './wait.ts'

/** One part of a daemon. `start` resolves when later parts may rely on it, with the function that stops it. */
export interface Part {
  readonly name: string
  /** Starts only after `LifecycleOptions.late`, because the daemon's first work does not need it. */
  readonly late?: boolean
  /** Stops before all others, whenever it has started: from then on nothing acts on them. */
  readonly stopsFirst?: boolean
  start(signal: AbortSignal): Promise<Stop | undefined> | Stop | undefined
}

export type Stop = () => Promise<void> | void

export interface LifecycleOptions {
  readonly log: Log
  /** Parts in the order of their start; late ones start after all others. They stop in reverse order, but for `stopsFirst`. */
  readonly parts: readonly Part[]
  /** Called once the other parts have started. Late parts start when it resolves. Default: at once. */
  late?(): Promise<void>
  /** Stops the daemon, as a signal does. */
  readonly signal?: AbortSignal
  /** All parts have started. */
  onReady?(): void
  /** SIGHUP (daemon(7): reread the configuration). */
  onReload?(): void
  onStopping?(): void
  /** Source of the signals; by default the process. */
  readonly signals?: SignalSource
  /** What a second signal does; `process.exit` by default. */
  exit?(code: number): void
}

export interface SignalSource {
  on(event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

const SIGNAL_NUMBER: Readonly<Record<string, number>> = { SIGINT: 2, SIGTERM: 15 }

/**
 * Runs a daemon: starts the parts in order, waits for SIGTERM, SIGINT or the given signal, and stops the parts in reverse order.
 * Resolves when all have stopped. When a part fails to start, the parts before it are stopped and its error is thrown. When a
 * part fails to stop, this is logged and the others are stopped nevertheless. A second signal exits at once with 128 + its
 * number.
 */
export async function runLifecycle(options: LifecycleOptions): Promise<void> {
  const { log, parts, signals = process, exit = code => process.exit(code) } = options
  const stopping = new AbortController()
  const started: Started[] = []

  const onStop = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) {
      log.warn(`${signal} again: exiting at once`)
      return exit(128 + (SIGNAL_NUMBER[signal] ?? 0))
    }
    log.info(`${signal}: stopping`)
    stopping.abort(new Error(signal))
  }
  const onReload = () => {
    if (!stopping.signal.aborted) options.onReload?.()
  }
  const onAbort = () => stopping.abort(options.signal?.reason)
  signals.on('SIGTERM', onStop)
  signals.on('SIGINT', onStop)
  // Always registered, because SIGHUP's default would end the daemon.
  signals.on('SIGHUP', onReload)
  if (options.signal?.aborted) onAbort()
  options.signal?.addEventListener('abort', onAbort, { once: true })

  const stopped = aborted(stopping.signal).catch(() => {})
  try {
    const start = async (late: boolean) => {
      for (const part of parts.filter(part => (part.late ?? false) === late)) {
        if (stopping.signal.aborted) return
        log.debug(`starting ${part.name}`)
        const stop = await part.start(stopping.signal)
        if (stop !== undefined) started.push({ part, stop })
      }
    }
    await start(false)
    if (options.late !== undefined) await Promise.race([options.late(), stopped])
    await start(true)
    if (!stopping.signal.aborted) {
      options.onReady?.()
      await stopped
    }
    options.onStopping?.()
  } catch (error) {
    // A part whose start was aborted by a stop has not failed.
    if (!stopping.signal.aborted) throw error
  } finally {
    stopping.abort(new Error('stopping'))
    await stopInReverse(started, log)
    signals.off('SIGTERM', onStop)
    signals.off('SIGINT', onStop)
    signals.off('SIGHUP', onReload)
    options.signal?.removeEventListener('abort', onAbort)
  }
}

interface Started {
  readonly part: Part
  readonly stop: Stop
}

async function stopInReverse(started: readonly Started[], log: Log): Promise<void> {
  const reversed = started.toReversed()
  const first = reversed.filter(({ part }) => part.stopsFirst)
  const others = reversed.filter(({ part }) => !part.stopsFirst)
  for (const { part, stop } of [...first, ...others]) {
    const { name } = part
    try {
      log.debug(`stopping ${name}`)
      await stop()
    } catch (err) {
      log.warn(`${name} did not stop cleanly`, { err })
    }
  }
}
