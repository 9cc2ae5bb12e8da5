import { CrossportError } from '../../shared/errors.ts'
import type { RegistrationRequest } from '../../shared/rpc/gen/crossport/v1/RegistrationRequest.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { Site } from '../compile/types.ts'
import type { DirectorConfig } from '../config.ts'
import type { House } from '../house.ts'
import { documentBytes } from '../intake/documents.ts'
import { createLinger } from '../offer/linger.ts'
import { createOffers } from '../offer/offers.ts'
import { tooLarge } from '../status/conditions.ts'
import { stopAll } from './stop-all.ts'

/** Makes the offer to agents: the director's own addresses, and the service files in force. */
export function offer({ config, cells, intents, loop, log, clock }: House): Stop {
  const makeOffer = createOffers()
  const linger = createLinger(clock, reason => loop.mark(reason))
  const unplug = intents.plug({
    name: 'offer',
    take: ({ site, altered }, gone) => {
      const { documents, specs } = cells.services.get()
      const amended = linger.amend({
        documents,
        specs,
        altered: altered.services,
        gone: gone.services.map(({ key }) => key),
      })
      const next = makeOffer(requestOf(config, site), amended)
      if (next === undefined) return
      const reason = tooLarge(documentBytes(next.documents))
      if (reason !== undefined) log.error('agents refuse it', { err: new CrossportError('OFFER_TOO_LARGE', reason) })
      cells.offer.set(next)
    },
  })
  return stopAll(unplug, linger.close)
}

function requestOf(config: DirectorConfig, { directorMac, recallMac }: Site): RegistrationRequest {
  const { id: directorId, leaseMs } = config
  return {
    directorId,
    directorMac,
    recallMac,
    leaseMs,
    active: true,
    connectionSeconds: config.connectionTimeouts.tcp,
    ...(config.fabric === 'overlay' ? { directorIp: config.hostIp ?? '' } : {}),
  }
}
