import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createRefuser } from '../packets/refuse.ts'
import { stopAll } from './stop-all.ts'

/** Refuses requests that no real server can serve. */
export function refusals({ cells, log, clock }: House): Stop {
  const refuser = createRefuser({ log, clock })
  return stopAll(
    cells.packets.subscribe(packet => refuser.packet(cells.switch.get(), packet)),
    cells.refused.subscribe(packet => refuser.refuse(cells.switch.get(), packet)),
  )
}
