import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createTableWatch } from '../packets/table-watch.ts'
import { newest } from './in-force.ts'
import { stopAll } from './stop-all.ts'

/** Reports when the connection table is a new one. */
export function tableWatch(house: House): Stop {
  const { packets, switchUp, outcome, tornDown, tableLost } = house.cells
  const watch = createTableWatch({ ...newest(house), onLost: tableLost.publish })
  const applied = () => {
    if ((outcome.get()?.plan.compiled.length ?? 0) > 0 && !tornDown.get()) watch.applied()
  }
  return stopAll(
    packets.subscribe(watch.packet),
    switchUp.subscribe(watch.distrust),
    outcome.subscribe(applied),
    watch.close,
  )
}
