import type { Part } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createIcmpErrors } from '../packets/icmp-errors.ts'
import { newest } from './in-force.ts'

/** Takes ICMP errors about packets of a VIP to the host of the right real server. */
export function icmpErrors(house: House): Part {
  return { name: 'ICMP errors', start: () => house.cells.packets.subscribe(createIcmpErrors(newest(house))) }
}
