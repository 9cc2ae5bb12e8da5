import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import type { CompiledService, Site } from '../compile/types.ts'

/** What a handler of packets needs to send packets of its own. */
export interface SendOptions {
  readonly log: Log
  readonly clock: Clock
  readonly switch: () => Pick<Switch, 'packetOut'> | undefined
}

/** What a handler needs to look up the service that a packet is for. */
export interface LookUpOptions extends SendOptions {
  readonly site: () => Site | undefined
  readonly services: () => readonly CompiledService[]
}
