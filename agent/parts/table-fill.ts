import type { Stop } from '../../shared/run/lifecycle.ts'
import { createTableFill } from '../../shared/switch/table-fill.ts'
import type { House } from '../house.ts'

/** Watches how full the datapath's connection table is, once it holds this host's connections. */
export function tableFill({ config, cells, outlets, log, clock }: House): Stop {
  const { tableProblems } = cells
  const table = createTableFill({
    rundir: config.ovsRunDir,
    log,
    clock,
    changed: tableProblems.set,
  })
  const stop = outlets.plug({
    name: 'table fill',
    take: ({ remembering, ports }) => {
      if (remembering) table.watch(ports.bridge?.datapathType ?? '')
    },
  })
  return () => {
    stop()
    table.close()
  }
}
