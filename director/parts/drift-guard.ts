import type { Stop } from '../../shared/run/lifecycle.ts'
import { createDriftGuard } from '../../shared/switch/drift-guard.ts'
import type { House } from '../house.ts'
import { stopAll } from './stop-all.ts'

/** Restores flows that somebody else has changed in the switch. */
export function driftGuard({ cells, loop, log, clock }: House): Stop {
  const guard = createDriftGuard({ clock, log, repair: () => loop.mark('drift') })
  return stopAll(cells.drift.subscribe(guard.heard), guard.close)
}
