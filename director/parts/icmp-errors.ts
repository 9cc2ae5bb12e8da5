import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createIcmpErrors } from '../packets/icmp-errors.ts'
import { newest } from './in-force.ts'

/** Sends ICMP errors about packets of a VIP to the host of the right real server. */
export function icmpErrors(house: House): Stop {
  return house.cells.packets.subscribe(createIcmpErrors(newest(house)))
}
