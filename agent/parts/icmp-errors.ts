import type { Part } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createIcmpErrors } from '../icmp-errors.ts'

/** ICMP errors about packets of a VIP, which the switch hands up. */
export function icmpErrors({ cells, log, clock }: House): Part {
  return {
    name: 'ICMP errors',
    start: () =>
      cells.packets.subscribe(createIcmpErrors({ log, clock, switch: cells.inputs.switch, outcome: cells.outcome })),
  }
}
