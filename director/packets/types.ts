import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { PacketIn, PacketOut, Switch } from '../../shared/switch/types.ts'
import type { CompiledService, Site } from '../compile/types.ts'

/** A packet that is sent out as if it came in where `packet` did. */
export const from = ({ inPort }: PacketIn): Pick<PacketOut, 'inPort'> => (inPort === undefined ? {} : { inPort })

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
