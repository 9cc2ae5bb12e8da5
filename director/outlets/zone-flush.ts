import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Selection } from '../plan/plan.ts'
import type { Outcome } from './types.ts'

export interface ZoneFlush {
  take(outcome: Pick<Outcome, 'altered'>, gone: Selection): void
  /** Services that have numbers and are not in the plan: of an earlier process, or gone before they were planned. */
  orphaned(keys: Iterable<string>): void
  close(): void
}

export interface ZoneFlushOptions {
  readonly clock: Clock
  readonly log: Log
  /** Seconds for which an idle connection is kept. */
  readonly idleSeconds: number
  /** Zones of a service, persistent clients' included. */
  zonesOf(key: string): readonly number[]
  /** Some outlet has not taken the service's removal. */
  isPending(key: string): boolean
  /** Forgets all connections of a zone. */
  flush(zone: number): Promise<void>
  /** Nothing in the switch goes by the service's numbers any more. */
  done(key: string): void
}

const RETRY_MS = 10_000

/**
 * Makes the numbers of services that are gone fit for others. A new service may get an old number, for:
 *  1. The switch has confirmed that no flow and no group has the number: this is an outlet, told after that.
 *  2. Whoever knows a service by its number has taken its removal.
 *  3. The zone is waited for, until no connection can be left in it: without flows no packet makes or renews an entry. Until
 *     then a service that comes back finds its connections, for it still has its number.
 *  4. The zone is flushed all the same, for timeouts may have been longer once (another configuration, an earlier process).
 */
export function createZoneFlush(options: ZoneFlushOptions): ZoneFlush {
  const { clock, log, idleSeconds } = options
  /** Clock milliseconds from which on a service's zones are flushed. */
  const waiting = new Map<string, number>()
  let cancel = () => {}
  let busy = false

  const flushOne = async (key: string, at: number) => {
    if (options.isPending(key)) return void waiting.set(key, clock.now() + RETRY_MS)
    try {
      for (const zone of options.zonesOf(key)) await options.flush(zone)
      // It may have come back meanwhile, and gone once more.
      if (waiting.get(key) !== at) return
      waiting.delete(key)
      options.done(key)
    } catch (err) {
      log.debug('connections of a service that is gone could not be flushed', { service: key, err })
      if (waiting.get(key) === at) waiting.set(key, clock.now() + RETRY_MS)
    }
  }

  const flushDue = async () => {
    busy = true
    for (const [key, at] of [...waiting]) if (at <= clock.now() && waiting.get(key) === at) await flushOne(key, at)
    busy = false
    arm()
  }

  const arm = () => {
    cancel()
    if (busy || waiting.size === 0) return
    const next = Math.min(...waiting.values())
    cancel = clock.after(Math.max(1, next - clock.now()), () => void flushDue())
  }

  return {
    take: ({ altered }, { services }) => {
      for (const { key } of altered.services) waiting.delete(key)
      for (const {
        key,
        options: { persistence },
      } of services)
        waiting.set(key, clock.now() + Math.max(idleSeconds, persistence?.timeout ?? 0) * 1000)
      arm()
    },
    orphaned: keys => {
      for (const key of keys) if (!waiting.has(key)) waiting.set(key, clock.now() + idleSeconds * 1000)
      arm()
    },
    close: () => cancel(),
  }
}
