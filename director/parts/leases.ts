import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { excuse, expire, nextExpiry } from '../registry/registry.ts'
import type { Registry } from '../registry/types.ts'

/** The end of a lease that is noticed later than this shows that the process or its machine was suspended. */
const HELD_UP_MS = 1000

/**
 * Marks hosts as lost when their leases end. Nobody else does: a pass that runs after a suspension, before
 * this timer, must not take hosts for lost whose messages could not be heard.
 */
export function leases({ cells: { registry }, config, log, clock }: House): Stop {
  let cancel: (() => void) | undefined
  let { revision } = registry.get()
  const over = () => {
    cancel = undefined
    const next = nextExpiry(registry.get())
    const now = clock.now()
    if (next !== undefined && next > now) return arm()
    // As long as no end of a lease is noticed too late, this process has been there all the time to hear of hosts.
    const late = now - earliestEnd(registry.get())
    if (late > HELD_UP_MS) log.warn('the director was suspended: every host gets a whole lease from now', { late })
    const heard = late > HELD_UP_MS ? excuse(registry.get(), now, config.leaseMs) : registry.get()
    registry.set(expire(heard, now))
  }
  const arm = () => {
    cancel?.()
    const at = nextExpiry(registry.get())
    cancel = at === undefined ? undefined : clock.after(Math.max(1, Math.ceil(at - clock.now())), over)
  }
  const stopListening = registry.subscribe(() => {
    const before = revision
    revision = registry.get().revision
    // A lease that is only prolonged is noticed when the timer fires.
    if (cancel === undefined || revision !== before) arm()
  })
  arm()
  return () => {
    stopListening()
    cancel?.()
  }
}

/** When the lease of a live host ends first. */
function earliestEnd({ hosts }: Registry): number {
  return Math.min(
    ...hosts.values().map(host => (host.state === 'alive' ? host.leaseExpiresAt : Number.POSITIVE_INFINITY)),
  )
}
