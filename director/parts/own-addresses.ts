import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { type OwnAddresses, readOwnAddresses } from '../intake/own-addresses.ts'

const AGAIN_MS = 10_000

/** Follows the addresses of the director's machine and of its gateways, which nobody else may claim. */
export function ownAddresses({ cells, clock }: House): Stop {
  let cancel = () => {}
  const look = () => {
    const found = readOwnAddresses()
    if (plain(found) !== plain(cells.ownAddresses.get())) cells.ownAddresses.set(found)
    cancel = clock.after(AGAIN_MS, look)
  }
  look()
  return () => cancel()
}

const plain = ({ own, gateways }: OwnAddresses) => JSON.stringify([[...own], [...gateways]])
