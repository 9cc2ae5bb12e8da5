import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { excuse, nextExpiry } from '../registry/registry.ts'

/** A timer that is later than this shows that the process or its machine was suspended. */
const HELD_UP_MS = 1000

/** Requests a pass when a host's lease ends. */
export function leases({ cells: { registry }, config, loop, log, clock }: House): Stop {
  let cancel: (() => void) | undefined
  let { revision } = registry.get()
  const over = (at: number) => {
    cancel = undefined
    const next = nextExpiry(registry.get())
    if (next !== undefined && next > clock.now()) return arm()
    const late = clock.now() - at
    if (late > HELD_UP_MS) {
      log.warn('the director was suspended: every host gets a whole lease from now', {
        late,
      })
      registry.set(excuse(registry.get(), clock.now(), config.leaseMs))
    }
    loop.mark('lease')
  }
  const arm = () => {
    cancel?.()
    const at = nextExpiry(registry.get())
    cancel = at === undefined ? undefined : clock.after(Math.max(1, Math.ceil(at - clock.now())), () => over(at))
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
