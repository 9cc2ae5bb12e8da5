import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createIcmpErrors } from '../icmp-errors.ts'

/** Translates ICMP errors about packets of a VIP, which the switch sends to the agent. */
export function icmpErrors({ cells, log, clock }: House): Stop {
  return cells.packets.subscribe(createIcmpErrors({ log, clock, switch: cells.inputs.switch, outcome: cells.outcome }))
}
