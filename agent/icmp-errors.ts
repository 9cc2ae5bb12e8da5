import { decodeCookie } from '../shared/flows/cookie.ts'
import type { Log } from '../shared/log.ts'
import { parseIcmpError, withCitedSourcePort } from '../shared/packet/icmp-error.ts'
import type { Reading } from '../shared/run/cell.ts'
import type { Clock } from '../shared/run/clock.ts'
import { createTokenBucket } from '../shared/run/token-bucket.ts'
import type { PacketIn, Switch } from '../shared/switch/types.ts'
import type { Outcome } from './outcome.ts'
import { place, placeOf } from './real-servers/ingress.ts'
import type { RealServer } from './real-servers/types.ts'

export interface IcmpErrorsOptions {
  readonly log: Log
  readonly clock: Clock
  readonly switch: Reading<{ readonly session: Pick<Switch, 'packetOut'> | undefined }>
  readonly outcome: Reading<Pick<Outcome, 'realServers'>>
}

const LIMIT = { perSecond: 200, burst: 200 } as const

/**
 * Delivers ICMP errors about packets of a VIP to the real server that they concern. The director has written the ingress port
 * into the cited packet; it names the real server as in a request, and is translated back to the port of the real server's
 * socket. Only errors from a director arrive here (compile/features/icmp-errors.ts), and the director has found the connection.
 */
export function createIcmpErrors(options: IcmpErrorsOptions): (packet: PacketIn) => void {
  const { log, clock } = options
  const bucket = createTokenBucket(clock, LIMIT)
  return packet => {
    const cookie = decodeCookie(packet.cookie)
    if (cookie?.owner !== 'agent' || cookie.kind !== 'icmp-error') return
    const error = parseIcmpError(packet.data)
    if (error === undefined || error.tooSmall) return
    const { protocol, src, srcPort } = error.cited
    const realServer = byPlace(options.outcome.get().realServers).get(place(src, protocol, srcPort))
    if (realServer?.attachment === undefined || !bucket.take()) return
    const { mac, ofport } = realServer.attachment
    log.debug('an ICMP error is delivered', {
      service: realServer.service,
      vm: realServer.vm.name,
      type: error.type,
      code: error.code,
    })
    options.switch
      .get()
      .session?.packetOut({
        actions: [
          ...(error.tagged ? [{ type: 'pop_vlan' } as const] : []),
          { type: 'set_field', field: 'eth_dst', value: mac },
          { type: 'output', port: ofport },
        ],
        data: withCitedSourcePort(packet.data, realServer.rsPort),
      })
      .catch((err: unknown) => log.warn('an ICMP error could not be delivered', { err }))
  }
}

/** Real servers are indexed once per list, because a flood of errors looks up each. */
const indexes = new WeakMap<readonly RealServer[], ReadonlyMap<string, RealServer>>()

function byPlace(realServers: readonly RealServer[]): ReadonlyMap<string, RealServer> {
  const index = indexes.get(realServers) ?? new Map(realServers.map(realServer => [placeOf(realServer), realServer]))
  indexes.set(realServers, index)
  return index
}
