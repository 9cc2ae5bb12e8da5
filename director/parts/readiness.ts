import type { Stop } from '../../shared/run/lifecycle.ts'
import type { Readiness } from '../../shared/run/readiness.ts'
import type { House } from '../house.ts'
import { stopAll } from './stop-all.ts'

/** Tells the service manager when the director is ready, and before that what it waits for. */
export function readiness({ cells }: House, told: Pick<Readiness, 'reached' | 'waiting'>): Stop {
  return stopAll(
    cells.waiting.subscribe(() => told.waiting(cells.waiting.get())),
    cells.outcome.subscribe(() => told.reached(`agents dial in at ${cells.agents.get()?.address ?? ''}`)),
  )
}
