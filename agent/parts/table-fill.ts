import type { Stop } from '../../shared/run/lifecycle.ts'
import { createTableFill } from '../../shared/switch/table-fill.ts'
import type { House } from '../house.ts'
import { takeOutcomes } from '../outcome.ts'

/** Watches how full the datapath's connection table is, once it holds this host's connections. */
export function tableFill({ config, cells, log, clock }: House): Stop {
  const { tableProblems, outcome } = cells
  const table = createTableFill({
    rundir: config.ovsRunDir,
    log,
    clock,
    changed: () => tableProblems.set(table.problems),
  })
  const stop = takeOutcomes(outcome, ({ remembering, ports }) => {
    if (remembering) table.watch(ports.bridge?.datapathType ?? '')
  })
  return () => {
    stop()
    table.close()
  }
}
