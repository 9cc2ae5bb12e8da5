import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Outcome } from '../outlets/types.ts'
import type { Selection } from '../plan/plan.ts'

export interface ZoneFlush {
  take(outcome: Pick<Outcome, 'altered'>, gone: Selection): void
  /** Takes services that have numbers and are not in the plan: from an earlier process, or removed before they were planned. */
  orphaned(keys: Iterable<string>): void
  close(): void
}

export interface ZoneFlushOptions {
  readonly clock: Clock
  readonly log: Log
  /** Seconds for which an idle connection is kept. */
  readonly idleSeconds: number
  /** Zones of a service, those of persistent clients included. */
  zonesOf(key: string): readonly number[]
  /** True when an outlet has not yet taken the service's removal. */
  isPending(key: string): boolean
  /** Removes all connections of a zone. */
  flush(zone: number): Promise<void>
  /** Called when nothing in the switch uses the service's numbers any more. */
  done(key: string): void
}

const RETRY_MS = 10_000

/**
 * Frees the numbers of removed services for others. A number may be given again after these steps:
 * 1. The switch has confirmed that no flow and no group has the number: this outlet is called after that.
 * 2. Every outlet that knows the service by its number has taken the removal.
 * 3. The zone's timeouts are over, so that no connection can be left in it: without flows no packet makes or renews an entry. A
 * service that comes back before this finds its connections, because it still has its number.
 * 4. The zone is flushed nevertheless, because timeouts may have been longer earlier (another configuration, an earlier process).
 */
export function createZoneFlush(options: ZoneFlushOptions): ZoneFlush {
  const { clock, log, idleSeconds } = options
  /** Clock milliseconds at which a service's zones are flushed. */
  const waiting = new Map<string, number>()
  let cancel = () => {}
  let busy = false
  let closed = false
  let failing = false

  const flushOne = async (key: string, at: number) => {
    if (options.isPending(key)) return void waiting.set(key, clock.now() + RETRY_MS)
    try {
      for (const zone of options.zonesOf(key)) await options.flush(zone)
      failing = false
      // The service may have come back meanwhile, and been removed again.
      if (closed || waiting.get(key) !== at) return
      waiting.delete(key)
      options.done(key)
    } catch (err) {
      // Logged once, because what keeps one zone from being flushed is likely to keep others, too.
      log[failing ? 'debug' : 'warn'](
        'connections of a removed service could not be flushed; its number is not free yet',
        {
          service: key,
          err,
        },
      )
      failing = true
      if (waiting.get(key) === at) waiting.set(key, clock.now() + RETRY_MS)
    }
  }

  const flushDue = async () => {
    busy = true
    for (const [key, at] of [...waiting]) {
      if (closed) return
      if (at <= clock.now() && waiting.get(key) === at) await flushOne(key, at)
    }
    busy = false
    arm()
  }

  const arm = () => {
    cancel()
    if (closed || busy || waiting.size === 0) return
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
    close: () => {
      closed = true
      cancel()
    },
  }
}
