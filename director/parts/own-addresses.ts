import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { type OwnAddresses, readOwnAddresses } from '../intake/own-addresses.ts'

const AGAIN_MS = 10_000

/** Follows the addresses of the director's machine and of its gateways, which nobody else may claim. */
export function ownAddresses({ cells, log, clock }: House): Stop {
  let cancel = () => {}
  const look = () => {
    cancel = clock.after(AGAIN_MS, look)
    try {
      const found = readOwnAddresses()
      if (plain(found) !== plain(cells.ownAddresses.get())) cells.ownAddresses.set(found)
    } catch (err) {
      log.warn('the addresses of this machine cannot be read; those from before count', { err })
    }
  }
  look()
  return () => cancel()
}

const plain = ({ own, gateways }: OwnAddresses) => JSON.stringify([[...own], [...gateways]])
