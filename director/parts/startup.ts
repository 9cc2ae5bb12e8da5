import type { Stop } from '../../shared/run/lifecycle.ts'
import type { Startup } from '../../shared/run/startup.ts'
import type { House } from '../house.ts'
import { stopAll } from './stop-all.ts'

/** Tells the service manager when the director's start-up is finished, and before that what it waits for. */
export function startup({ cells }: House, told: Pick<Startup, 'finished' | 'waiting'>): Stop {
  return stopAll(
    cells.waiting.subscribe(() => told.waiting(cells.waiting.get())),
    cells.outcome.subscribe(() => told.finished(`agents dial in at ${cells.agents.get()?.address ?? ''}`)),
  )
}
