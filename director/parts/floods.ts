import type { Stop } from '../../shared/run/lifecycle.ts'
import { startFloods } from '../balance/floods.ts'
import type { House } from '../house.ts'
import { inForce } from './in-force.ts'

/** Tells status that a service is being flooded. */
export function floods(house: House): Stop {
  const { cells } = house
  const watched = startFloods({ ...inForce(house), changed: cells.changed.publish })
  cells.floods.set(watched)
  return watched.stop
}
