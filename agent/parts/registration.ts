import type { Stop } from '../../shared/run/lifecycle.ts'
import { bootId } from '../host.ts'
import type { House } from '../house.ts'
import { createOfferOutlet } from '../outlets/offer.ts'

/** Keeps the host's streams to its directors. */
export function registration({ config, protection, version, cells, outlets, timeline, log, clock }: House): Stop {
  const outlet = createOfferOutlet({
    config,
    tls: protection.tls,
    version,
    bootId: bootId(),
    cells,
    timeline,
    log,
    clock,
  })
  const stop = outlets.plug('registration', outlet.take)
  return async () => {
    stop()
    await outlet.close()
  }
}
