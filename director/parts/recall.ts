import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createRecall } from '../packets/recall.ts'
import { newest } from './in-force.ts'
import { stopAll } from './stop-all.ts'

/** Ends connections that no host knows. */
export function recall(house: House): Stop {
  const { packets, refused } = house.cells
  const asked = createRecall({ ...newest(house), refuse: refused.publish })
  return stopAll(packets.subscribe(asked.packet), asked.close)
}
