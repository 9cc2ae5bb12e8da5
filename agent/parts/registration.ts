import { randomUUID } from 'node:crypto'
import type { Stop } from '../../shared/run/lifecycle.ts'
import { bootId } from '../host.ts'
import type { House } from '../house.ts'
import { createRegistrationOutlet } from '../outlets/registration.ts'

/** Keeps the host's streams to its directors. */
export function registration({ config, protection, version, cells, outlets, timeline, log, clock }: House): Stop {
  const ids = { bootId: bootId(), runId: randomUUID() }
  const { tls } = protection
  const outlet = createRegistrationOutlet({ config, tls, version, ...ids, cells, timeline, log, clock })
  const stop = outlets.plug({ name: 'registration', take: outlet.take })
  return async () => {
    stop()
    await outlet.close()
  }
}
