import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createHealthOutlet } from '../outlets/health.ts'

/** Runs the health checks. They start before the reports, which read their verdicts. */
export function healthChecks({ config, cells, outlets, ready, agentCaller, log, clock }: House): Stop {
  const outlet = createHealthOutlet({ config, cells, agentCall: agentCaller.call, ready, log, clock })
  const stop = outlets.plug({ name: 'health checks', take: outlet.take })
  return async () => {
    stop()
    await outlet.close()
  }
}
