import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { takeOutcomes } from '../outcome.ts'
import { createHealthOutlet } from '../outlets/health.ts'

/** Health checks; before the reports, which take their word. */
export function healthChecks({ config, cells, ready, agentCaller, log, clock }: House): Stop {
  const outlet = createHealthOutlet({ config, cells, agentCall: agentCaller.call, ready, log, clock })
  const stop = takeOutcomes(cells.outcome, outlet.take)
  return async () => {
    stop()
    await outlet.close()
  }
}
