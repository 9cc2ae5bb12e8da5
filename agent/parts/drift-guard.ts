import type { Stop } from '../../shared/run/lifecycle.ts'
import { createDriftGuard } from '../../shared/switch/drift-guard.ts'
import type { House } from '../house.ts'

/** Restores flows that somebody else changes in the switch. */
export function driftGuard({ cells, applier, loop, log, clock }: House): Stop {
  const guard = createDriftGuard({ clock, log, repair: () => loop.mark('drift') })
  const stop = cells.drift.subscribe(what => {
    applier.distrust()
    guard.heard(what)
  })
  return () => {
    stop()
    guard.close()
  }
}
