import type { Part } from '../../shared/run/lifecycle.ts'
import { feedWatchdog, type Notify } from '../../shared/run/notify.ts'
import { createReadiness, type Readiness } from '../../shared/run/readiness.ts'
import type { House } from '../house.ts'

/** Tells the service manager when the director is ready, and until then what it waits for. */
export function readiness({ cells }: House, notify: Notify): Part & Pick<Readiness, 'reload'> {
  const told = createReadiness(notify)
  return {
    name: 'readiness',
    reload: told.reload,
    start: () => {
      const stops = [
        cells.waiting.subscribe(() => told.waiting(cells.waiting.get())),
        cells.outcome.subscribe(() => told.reached(`agents dial in at ${cells.agents.get()?.address ?? ''}`)),
      ]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}

export function watchdog({ clock }: House, notify: Notify): Part {
  return { name: 'watchdog', start: () => feedWatchdog(notify, clock) }
}
