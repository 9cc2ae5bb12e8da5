import type { Part } from '../../shared/run/lifecycle.ts'
import { feedWatchdog, type Notify } from '../../shared/run/notify.ts'
import type { House } from '../house.ts'

/** Tells the service manager that the director is not stuck, where it wants to know. */
export function watchdog({ clock }: House, notify: Notify): Part {
  return { name: 'watchdog', start: () => feedWatchdog(notify, clock) }
}
