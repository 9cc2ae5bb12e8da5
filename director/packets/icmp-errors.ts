import { decodeCookie } from '../../shared/flows/cookie.ts'
import { parseIcmpError, withCitedSourcePort } from '../../shared/packet/icmp-error.ts'
import { createTokenBucket } from '../../shared/run/token-bucket.ts'
import type { PacketIn, PacketOut } from '../../shared/switch/types.ts'
import { toHost } from '../compile/fabric.ts'
import { ENDED, TABLE } from '../compile/tables.ts'
import { serviceAt, serviceOfZone } from './services.ts'
import { from, type LookUpOptions } from './types.ts'

/** Enough for one error for each of many connections after a change of route, and a bound for a flood. */
const LIMIT = { perSecond: 200, burst: 200 } as const

/**
 * Takes ICMP errors about packets of a VIP to the host of the right real server, in two steps:
 * 1. An error to the VIP comes in. The packet that it cites names the service, and the service's connection table is looked up
 * (conntrack relates an error to the connection that it cites).
 * 2. The error comes in again with the connection's mark, which names the real server. The cited source port is rewritten to the
 * ingress port, and the error is sent to the host as requests are.
 * An error that belongs to no connection, or whose MTU is less than every path's, is dropped.
 */
export function createIcmpErrors(options: LookUpOptions): (packet: PacketIn) => void {
  const { log, clock } = options
  const bucket = createTokenBucket(clock, LIMIT)

  const ask = (packet: PacketIn): PacketOut | undefined => {
    const error = parseIcmpError(packet.data)
    if (error === undefined || error.tooSmall) return undefined
    const { cited } = error
    const service = serviceAt(options.services(), cited.protocol, cited.src, cited.srcPort)
    // What is about no service takes nothing from the share of the others.
    if (service === undefined || !bucket.take()) return undefined
    return {
      ...from(packet),
      actions: [{ type: 'ct', zone: service.zone, table: TABLE.ICMP_ERROR }],
      data: packet.data,
    }
  }

  const forward = (packet: PacketIn): PacketOut | undefined => {
    const site = options.site()
    const { ct_zone: zone, ct_mark: mark } = packet.match
    const service = serviceOfZone(options.services(), Number(zone ?? 0))
    const target = service?.targets.find(candidate => candidate.mark === Number(mark ?? 0) % ENDED)
    if (site === undefined || target === undefined) return undefined
    return {
      ...from(packet),
      actions: [{ type: 'set_field', field: 'eth_src', value: site.directorMac }, ...toHost(site, target)],
      data: withCitedSourcePort(packet.data, target.ingressPort),
    }
  }

  return packet => {
    const cookie = decodeCookie(packet.cookie)
    if (cookie?.owner !== 'director' || cookie.kind !== 'vip-icmp-error') return
    const out = packet.table === TABLE.ICMP_ERROR ? forward(packet) : ask(packet)
    if (out === undefined) return
    options
      .switch()
      ?.packetOut(out)
      .catch((err: unknown) => log.warn('an ICMP error could not be sent on', { err }))
  }
}
