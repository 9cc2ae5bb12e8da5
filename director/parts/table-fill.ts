import type { Stop } from '../../shared/run/lifecycle.ts'
import { createTableRoom } from '../../shared/switch/table-room.ts'
import type { House } from '../house.ts'
import { stopAll } from './stop-all.ts'

/** Looks at how full the connection table is. */
export function tableFill({ cells, vswitchd }: House): Stop {
  const table = createTableRoom({ ...vswitchd, changed: () => cells.tableProblems.set(table.problems) })
  const watch = () => {
    const view = cells.bridge.get()
    if (view !== undefined) table.watch(view.datapathType)
  }
  return stopAll(cells.bridge.subscribe(watch), table.close)
}
