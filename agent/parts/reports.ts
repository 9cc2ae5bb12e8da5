import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { takeOutcomes } from '../outcome.ts'
import { createReportOutlet } from '../outlets/report.ts'

/** What is told of the real servers; after the guests and the health checks, whose word it takes. */
export function reports({ cells, removals, ready, timeline, log }: House): Stop {
  const take = createReportOutlet({ cells, removals, ready, timeline, log })
  return takeOutcomes(cells.outcome, take)
}
