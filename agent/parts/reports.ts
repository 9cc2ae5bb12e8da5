import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createReportOutlet } from '../outlets/report.ts'

/** Reports the real servers. It starts after the guests and the health checks, whose states it reads. */
export function reports({ cells, outlets, ready, timeline, log }: House): Stop {
  const take = createReportOutlet({ cells, ready, timeline, log })
  return outlets.plug({ name: 'reports', take })
}
