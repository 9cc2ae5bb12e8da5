import type { Stop } from '../../shared/run/lifecycle.ts'
import { startPassive } from '../balance/passive.ts'
import type { House } from '../house.ts'
import { inForce, sumOf } from './in-force.ts'
import { replan } from './replan.ts'

/** Judges from the hosts' signals whether real servers accept connections. */
export function passiveHealth(house: House): Stop {
  const { cells } = house
  const passive = startPassive({
    ...inForce(house),
    totalOf: key => sumOf(house, key, 'total'),
    isFull: zone => cells.zoneFill.get().isFull(zone),
    replan: (keys, reason) => replan(house, keys, reason),
    changed: cells.changed.publish,
  })
  cells.passive.set(passive)
  return () => passive.stop()
}
