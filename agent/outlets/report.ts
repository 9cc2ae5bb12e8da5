import type { Log } from '../../shared/log.ts'
import type { Timeline } from '../../shared/run/timeline.ts'
import type { Cells } from '../cells.ts'
import type { Outcome } from '../outcome.ts'
import { createRealServerJourney } from '../report/journey.ts'
import type { ReadyRuns } from '../report/ready-runs.ts'
import { createReports } from '../report/reports.ts'
import type { Gone } from './outlets.ts'

export interface ReportOutletOptions {
  readonly cells: Pick<Cells, 'inputs' | 'reports'>
  readonly ready: ReadyRuns
  readonly timeline: Timeline
  readonly log: Log
}

/** Makes the reports of all real servers of what the switch, the guests and the health checks say. */
export function createReportOutlet({ cells, ready, timeline, log }: ReportOutletOptions) {
  const makeReports = createReports()
  const tell = createRealServerJourney(timeline, log)
  const { guests, health } = cells.inputs
  return ({ realServers, confirmed, allConfirmed, flowsReason }: Outcome, removed: Gone): void => {
    const reports = makeReports({
      realServers,
      gone: removed.flatMap(({ key, back }) => (back ? [] : [key])),
      confirmed: confirmed.has,
      allConfirmed,
      flowsReason,
      guest: guests.get().status,
      health: health.get().health,
      wasReady: ready.was,
    })
    tell(reports)
    ready.note(reports)
    cells.reports.set(reports)
  }
}
