import { CrossportError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { VirtualService } from './registry/services.ts'
import { panicOf, panicText } from './schedule/panic.ts'

/** The journal hears when a panic begins, changes and ends. */
export function createPanicTeller(log: Log): (services: readonly VirtualService[]) => void {
  let known = new Map<string, string>()
  return services => {
    const now = new Map<string, string>()
    for (const { service, realServers } of services) {
      const panic = panicOf(realServers)
      if (panic === undefined) continue
      const text = panicText(panic)
      now.set(service, text)
      if (known.get(service) !== text)
        log.warn('nobody is taken out of scheduling', { service, err: new CrossportError('PANIC', text) })
    }
    for (const service of known.keys()) if (!now.has(service)) log.notice('the panic is over', { service })
    known = now
  }
}
