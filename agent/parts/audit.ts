import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** Time between two full comparisons with the switch. */
const AUDIT_MS = 600_000

/** Drift is told of; this is for what nobody has told, and tries again what was refused. */
export function audit({ applier, loop, clock }: House): Stop {
  const look = () => {
    applier.distrust({ retryRefused: true })
    loop.mark('audit')
    cancel = clock.after(AUDIT_MS, look)
  }
  let cancel = clock.after(AUDIT_MS, look)
  return () => cancel()
}
