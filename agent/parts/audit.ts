import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** Time between two full comparisons with the switch. */
const AUDIT_MS = 600_000

/**
 * Compares all flows with the switch from time to time: this finds drift that no event has announced, and retries refused flows.
 */
export function audit({ applier, loop, clock }: House): Stop {
  const look = () => {
    applier.distrust({ retryRefused: true })
    loop.mark('audit')
    cancel = clock.after(AUDIT_MS, look)
  }
  let cancel = clock.after(AUDIT_MS, look)
  return () => cancel()
}
