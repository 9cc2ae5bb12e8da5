import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { takeOutcomes } from '../outcome.ts'
import { createHealthOutlet } from '../outlets/health.ts'

/** Runs the health checks. They start before the reports, which read their verdicts. */
export function healthChecks({ config, cells, ready, agentCaller, log, clock }: House): Stop {
  const outlet = createHealthOutlet({ config, cells, agentCall: agentCaller.call, ready, log, clock })
  const stop = takeOutcomes(cells.outcome, outlet.take)
  return async () => {
    stop()
    await outlet.close()
  }
}
