import type { Stop } from '../../shared/run/lifecycle.ts'
import { createTableFill } from '../../shared/switch/table-fill.ts'
import type { House } from '../house.ts'
import { stopAll } from './stop-all.ts'

/** Watches how full the connection table is. */
export function tableFill({ cells, vswitchd }: House): Stop {
  const table = createTableFill({ ...vswitchd, changed: cells.tableProblems.set })
  const watch = () => {
    const view = cells.bridge.get()
    if (view !== undefined) table.watch(view.datapathType)
  }
  return stopAll(cells.bridge.subscribe(watch), table.close)
}
