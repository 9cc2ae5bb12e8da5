import { decodeCookie } from '../../shared/flows/cookie.ts'
import type { Log } from '../../shared/log.ts'
import { type Action, PORT } from '../../shared/openflow/types.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createTokenBucket } from '../../shared/run/token-bucket.ts'
import type { PacketIn, Switch } from '../../shared/switch/types.ts'
import { refusal } from './refusal.ts'

export interface Refuser {
  /** Answers a request that the switch has sent up because no real server can serve it. */
  packet(sw: Pick<Switch, 'packetOut'> | undefined, packet: PacketIn): void
  /** Answers any packet that the switch has sent up. */
  refuse(sw: Pick<Switch, 'packetOut'> | undefined, packet: PacketIn): void
}

/** Requests beyond this rate are not answered, as by a host that limits its errors (RFC 1812, 4.3.2.8). */
const LIMIT = { perSecond: 1000, burst: 1000 } as const

export function createRefuser({ log, clock }: { log: Log; clock: Clock }): Refuser {
  const bucket = createTokenBucket(clock, LIMIT)
  const refuse: Refuser['refuse'] = (sw, packet) => {
    if (packet.inPort === undefined || !bucket.take()) return
    const data = refusal(Buffer.from(packet.data))
    if (data === undefined) return
    // in_port is set to the output port, because OpenFlow sends a packet back only through IN_PORT.
    const actions: Action[] = [...backIntoTunnel(packet), { type: 'output', port: PORT.IN_PORT }]
    sw?.packetOut({ inPort: packet.inPort, actions, data }).catch((err: unknown) =>
      log.debug('a refusal could not be sent', { err }),
    )
  }
  return {
    refuse,
    packet: (sw, packet) => {
      if (decodeCookie(packet.cookie)?.kind === 'reject') refuse(sw, packet)
    },
  }
}

function backIntoTunnel({ match }: PacketIn): Action[] {
  const { tun_src: host, tun_id: key } = match
  if (host === undefined) return []
  return [
    { type: 'set_field', field: 'tun_id', value: key ?? 0 },
    { type: 'set_field', field: 'tun_dst', value: host },
  ]
}
