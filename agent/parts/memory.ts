import type { Part } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** What the state file keeps of an outcome. The last to take it: a state file that cannot be written keeps nobody waiting. */
export function memory({ cells, ready, store }: House): Part {
  return {
    name: 'memory',
    start: () =>
      cells.outcome.subscribe(() => {
        ready.save()
        store.serviceFiles.save(cells.outcome.get().files)
      }),
  }
}
