import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { RegistryProblem } from '../registry/types.ts'

/** Lines for one outcome: whoever has mended these sees the next ones. */
const MOST = 20

/** Logs services of hosts that may not bring them, each once. */
export function createRefusedLog(log: Log): (problems: readonly RegistryProblem[]) => void {
  let known = new Set<string>()
  return problems => {
    const refused = problems.filter(({ code }) => code === 'HOST_SERVICE_REFUSED')
    const come = refused.filter(({ reason }) => !known.has(reason))
    for (const { code, service, reason } of come.slice(0, MOST))
      log.error('a service of a host is left out', { service, err: new CrossportError(code!, reason) })
    if (come.length > 0 || refused.length < known.size) known = new Set(refused.map(({ reason }) => reason))
  }
}
