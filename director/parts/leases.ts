import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { excuse, expire, nextExpiry } from '../registry/registry.ts'

/** A timer that is later than this shows that the process or its machine was suspended. */
const HELD_UP_MS = 1000

/**
 * Marks hosts as lost when their leases end, and requests a pass. Nobody else does: a pass that runs after a suspension, before
 * this timer, must not take hosts for lost whose messages could not be heard.
 */
export function leases({ cells: { registry }, config, loop, log, clock }: House): Stop {
  let cancel: (() => void) | undefined
  let { revision } = registry.get()
  const over = (at: number) => {
    cancel = undefined
    const next = nextExpiry(registry.get())
    if (next !== undefined && next > clock.now()) return arm()
    const now = clock.now()
    const late = now - at
    if (late > HELD_UP_MS) log.warn('the director was suspended: every host gets a whole lease from now', { late })
    const heard = late > HELD_UP_MS ? excuse(registry.get(), now, config.leaseMs) : registry.get()
    registry.set(expire(heard, now))
    loop.mark('lease')
  }
  const arm = () => {
    cancel?.()
    const next = nextExpiry(registry.get())
    if (next === undefined) {
      cancel = undefined
      return
    }
    const now = clock.now()
    const wait = Math.max(1, Math.ceil(next - now))
    cancel = clock.after(wait, () => over(now + wait))
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
