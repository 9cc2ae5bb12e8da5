import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { RegistryProblem } from '../registry/types.ts'

/** When a file is deleted, hosts have its service until they have heard of it: that is not worth a line. */
const HEARD_MS = 10_000
/** Lines that may wait: whoever has mended these sees the next ones. */
const MOST = 20

/** Logs services of hosts that may not bring them, each once. */
export function createRefusedLog(log: Log, clock: Clock) {
  const known = new Map<string, () => void>()
  const tell = ({ code, service, reason }: RegistryProblem) =>
    log.error('a service of a host is left out', { service, err: new CrossportError(code!, reason) })
  return {
    take: (problems: readonly RegistryProblem[]): void => {
      const refused = problems.filter(({ code }) => code === 'HOST_SERVICE_REFUSED')
      const now = new Set(refused.map(({ reason }) => reason))
      for (const [reason, cancel] of known) {
        if (now.has(reason)) continue
        cancel()
        known.delete(reason)
      }
      for (const problem of refused) {
        if (known.size >= MOST) return
        if (!known.has(problem.reason))
          known.set(
            problem.reason,
            clock.after(HEARD_MS, () => tell(problem)),
          )
      }
    },
    close: () => {
      for (const cancel of known.values()) cancel()
    },
  }
}
