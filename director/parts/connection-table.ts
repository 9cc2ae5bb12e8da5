import type { Part } from '../../shared/run/lifecycle.ts'
import { createTableRoom } from '../../shared/switch/table-room.ts'
import type { House } from '../house.ts'

/** Looks at how full the connection table is. */
export function connectionTableFill({ cells, vswitchd }: House): Part {
  return {
    name: 'connection table',
    start: () => {
      const table = createTableRoom({ ...vswitchd, changed: () => cells.tableProblems.set(table.problems) })
      const watch = () => {
        const view = cells.bridge.get()
        if (view !== undefined) table.watch(view.datapathType)
      }
      const stopListening = cells.bridge.subscribe(watch)
      return () => {
        stopListening()
        table.close()
      }
    },
  }
}
