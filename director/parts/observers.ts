import type { Part } from '../../shared/run/lifecycle.ts'
import { startBalance } from '../balance/balance.ts'
import { startForgotten } from '../balance/forgotten.ts'
import { startPassive } from '../balance/passive.ts'
import type { House } from '../house.ts'
import { connectionTable, inForce } from './in-force.ts'

/** Counts connections, and has services planned anew by that. */
export function balance(house: House): Part {
  const { cells, config, store, clock, log } = house
  return {
    name: 'balance',
    start: () => {
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
          log.warn('a director that is started now will not ask hosts about persistent clients', { err })
        }
      })
      return () => {
        stopListening()
        counted.stop()
      }
    },
  }
}

/** Judges by the hosts' signals whether real servers accept connections. */
export function passiveHealth(house: House): Part {
  const { cells } = house
  return {
    name: 'passive health',
    start: () => {
      const passive = startPassive({
        ...inForce(house),
        totalOf: key => sumOf(house, key, 'total'),
        replan: (keys, reason) => replan(house, keys, reason),
        changed: cells.changed.publish,
      })
      cells.passive.set(passive)
      return () => passive.stop()
    },
  }
}

/** Counts the connections whose end nobody has seen. */
export function forgottenConnections(house: House): Part {
  return {
    name: 'forgotten connections',
    start: () => {
      const { dump, entries } = connectionTable(house)
      const activeOf = (key: string) => sumOf(house, key, 'active')
      const forgotten = startForgotten({ ...inForce(house), activeOf, dump: zone => dump(zone, false), entries })
      house.cells.forgotten.set(forgotten.of)
      return () => forgotten.stop()
    },
  }
}

function replan({ cells: { due }, loop }: House, keys: readonly string[], reason: string): void {
  due.set(due.get().union(new Set(keys)))
  loop.mark(reason)
}

/** Of a service's real servers. */
function sumOf({ cells }: House, key: string, what: 'total' | 'active'): number {
  const servers = cells.loads.get()(key)?.servers.values()
  return servers?.reduce((sum, server) => sum + server[what], 0) ?? 0
}

/** By the monotonic clock, which does not outlive the process. The wall clock may have been set since: not into the future. */
function lossBefore({ store: { losses }, clock }: House): number | undefined {
  const at = losses.load()
  return at === undefined ? undefined : clock.now() - Math.max(0, clock.wall().getTime() - at)
}
