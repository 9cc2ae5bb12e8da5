import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createHeldSyns } from '../packets/held-syns.ts'
import { newest } from './in-force.ts'
import { stopAll } from './stop-all.ts'

/** Makes new connections of persistent clients wait while hosts are asked about the clients. */
export function heldSyns(house: House): Stop {
  const held = createHeldSyns(newest(house))
  return stopAll(house.cells.packets.subscribe(held.packet), held.close)
}
