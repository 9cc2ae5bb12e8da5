import type { Stop } from '../../shared/run/lifecycle.ts'
import { startBalance } from '../balance/balance.ts'
import type { House } from '../house.ts'
import { inForce } from './in-force.ts'
import { replan } from './replan.ts'
import { stopAll } from './stop-all.ts'

/** Counts connections, and has services scheduled anew when the counts require it. */
export function balance(house: House): Stop {
  const { cells, config, store, clock, log } = house
  const counted = startBalance({
    ...inForce(house),
    judged: service => cells.passive.get().judged(service),
    forgottenOf: (service, id, opened) => cells.forgotten.get()(service, id, opened),
    lostAt: lossBefore(house),
    udpTimeout: config.connectionTimeouts.udp,
    replan: (keys, reason) => replan(house, keys, reason),
  })
  cells.knowledge.set(counted.knowledge)
  cells.loads.set(counted.load)
  const stopListening = cells.tableLost.subscribe(() => {
    counted.tableLost()
    try {
      store.losses.save(clock.wall().getTime())
    } catch (err) {
      log.warn(
        'the loss of the connection table could not be saved: a restarted director will not ask hosts about persistent clients',
        { err },
      )
    }
  })
  return stopAll(stopListening, counted.stop)
}

/**
 * The table's last loss, converted to the monotonic clock of this process. The wall clock may have been set back since, so the
 * result is never in the future.
 */
function lossBefore({ store: { losses }, clock }: House): number | undefined {
  const at = losses.load()
  return at === undefined ? undefined : clock.now() - Math.max(0, clock.wall().getTime() - at)
}
