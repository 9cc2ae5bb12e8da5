import type { Stop } from '../../shared/run/lifecycle.ts'
import { bootId } from '../host.ts'
import type { House } from '../house.ts'
import { takeOutcomes } from '../outcome.ts'
import { createOfferOutlet } from '../outlets/offer.ts'

/** Keeps the host's streams to its directors. */
export function registration({ config, version, cells, timeline, log, clock }: House): Stop {
  const outlet = createOfferOutlet({ config, version, bootId: bootId(), cells, timeline, log, clock })
  const stop = takeOutcomes(cells.outcome, outlet.take)
  return async () => {
    stop()
    await outlet.close()
  }
}
