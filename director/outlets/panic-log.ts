import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Judged } from '../plan/plan.ts'
import type { VirtualService } from '../registry/services.ts'
import { panicOf, panicText } from '../schedule/panic.ts'

/** Logs when a panic begins, changes and ends. Called with the services that may have changed. */
export function createPanicLog(
  log: Log,
  judged: Judged,
): (altered: readonly VirtualService[], gone: readonly VirtualService[]) => void {
  const known = new Map<string, string>()
  const over = (service: string) => {
    if (known.delete(service)) log.notice('the panic is over', { service })
  }
  return (altered, gone) => {
    for (const { service } of gone) over(service)
    for (const { service, realServers } of altered.map(judged)) {
      const panic = panicOf(realServers)
      if (panic === undefined) {
        over(service)
        continue
      }
      const text = panicText(panic)
      if (known.get(service) !== text)
        log.warn('failing real servers stay in scheduling', { service, err: new CrossportError('PANIC', text) })
      known.set(service, text)
    }
  }
}
