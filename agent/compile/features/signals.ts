import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { over } from '../../../shared/net/match.ts'
import type { Family } from '../../../shared/net/types.ts'
import { type Action, PORT } from '../../../shared/openflow/types.ts'
import type { RealServer } from '../../real-servers/types.ts'
import { portsByMac } from '../networks.ts'
import { CLOSED, HOST_ZONE, INGRESS_PORT, PRIORITY, SIGNAL, SIGNAL_BITS, TABLE, TCP_FLAGS } from '../tables.ts'
import type { Director, HostContext, VmPort } from '../types.ts'
import { onwards, toTunnel } from './overlay.ts'

/**
 * Signals. A director sees only requests, and its conntrack needs the replies' SYN-ACK, FIN and RST to follow a connection's
 * state. Each director gets a copy of those packets and of no others. The copy carries the ingress port, which together with the
 * host's address names the real server. The packets also pass the host's own conntrack, where requests have left an entry, so
 * that the host recognises its connections later (features/recall.ts).
 *
 * Once per host, for the address families of its VIPs: the flows match rewritten replies, whose ingress port is in a register.
 */
export function signalFlows(host: HostContext, families: readonly Family[]): Flow[] {
  if (host.directors.length === 0) return []
  const toIngress: Action = {
    type: 'move',
    src: { field: INGRESS_PORT, offset: 0, bits: 16 },
    dst: { field: 'tcp_src' },
  }
  const track = {
    synAck: { type: 'ct', zone: HOST_ZONE },
    fin: { type: 'ct', commit: true, zone: HOST_ZONE, exec: [closed(CLOSED.byServer)] },
    rst: { type: 'ct', commit: true, zone: HOST_ZONE, exec: [closed(CLOSED.byBoth)] },
  } satisfies Record<string, Action>
  const copy = (family: Family, flag: keyof typeof track): Flow => {
    // A FIN may carry the last data, and where the kernel forwards, that may be several frames merged into one.
    const bits = flag === 'fin' ? SIGNAL_BITS.cut : SIGNAL_BITS.whole
    return {
      table: TABLE.signals,
      priority: PRIORITY.signal,
      cookie: encodeCookie('agent', 'signal'),
      match: { ...over(family, 'tcp'), tcp_flags: TCP_FLAGS[flag] },
      actions: [
        {
          type: 'clone',
          actions: [toIngress, track[flag], ...host.directors.flatMap(({ recallMac }) => toDirector(recallMac, bits))],
        },
      ],
    }
  }
  return families.flatMap(family => (['synAck', 'fin', 'rst'] as const).map(flag => copy(family, flag)))
}

/** Sets bits in the mark of an entry of this host. */
export function closed(bits: number): Action {
  return { type: 'set_field', field: 'ct_mark', value: `${hex(bits)}/${hex(bits)}` }
}

export const hex = (bits: number) => `0x${(bits >>> 0).toString(16)}`

/** Actions for a reply as it leaves: send copies to the directors where they need one. */
export function signal({ protocol, ingressPort }: RealServer, { directors }: HostContext): Action[] {
  if (protocol !== 'tcp' || directors.length === 0) return []
  return [
    { type: 'set_field', field: INGRESS_PORT, value: ingressPort },
    { type: 'resubmit', table: TABLE.signals },
  ]
}

/** Sends the copy through table 0: the director may be on this very bridge, and its rules come first there. */
function toDirector(recallMac: string, bits: number): readonly Action[] {
  return [
    { type: 'set_field', field: 'eth_dst', value: recallMac },
    { type: 'set_field', field: SIGNAL, value: bits },
    { type: 'resubmit', table: TABLE.classify },
  ]
}

/** Sends the packet back to the director that sent it, as this host's answer. */
export function tellDirector(host: HostContext): Action {
  return {
    type: 'clone',
    actions: [
      { type: 'move', src: { field: 'eth_src' }, dst: { field: 'eth_dst' } },
      { type: 'set_field', field: 'eth_src', value: host.hostMac },
      { type: 'set_field', field: SIGNAL, value: SIGNAL_BITS.whole },
      { type: 'resubmit', table: TABLE.classify },
    ],
  }
}

/** Once per host: the flows that forward signals to each director. */
export function signalOutFlows(host: HostContext): Flow[] {
  return host.directors.flatMap(director => {
    const out = (bits: number, maxLen?: number): Flow => ({
      table: TABLE.classify,
      priority: PRIORITY.signalOut,
      cookie: encodeCookie('agent', 'signal'),
      match: { eth_dst: director.recallMac, [SIGNAL]: bits },
      // A packet is not output to its own in_port (OpenFlow 1.5.1, 7.2.1), so in_port is changed.
      actions: [{ type: 'set_field', field: 'in_port', value: PORT.CONTROLLER }, ...wayTo(director, host, maxLen)],
    })
    return [out(SIGNAL_BITS.whole), out(SIGNAL_BITS.cut, ONE_FRAME)]
  })
}

/** Length of a frame with a VLAN tag and 1500 bytes of IP. Smaller frames are not cut. */
const ONE_FRAME = 1518

function wayTo(director: Director, host: HostContext, maxLen: number | undefined): readonly Action[] {
  const cut = maxLen === undefined ? {} : { maxLen }
  const { overlay, uplink } = host
  if (overlay !== undefined) {
    if (director.hostIp === undefined) return [onwards(host)]
    return toTunnel(overlay, director.hostIp, maxLen)
  }
  const here = portsByMac(host).get(director.mac)
  if (here !== undefined)
    return [
      ...(here.tag === undefined ? [] : [{ type: 'pop_vlan' } as const]),
      { type: 'output', port: here.ofport, ...cut },
    ]
  if (uplink === undefined || host.uplinkTag !== undefined) return [{ type: 'output', port: PORT.NORMAL }]
  return [{ type: 'output', port: uplink, ...cut }]
}

/** Per VM port: drops frames to a director's R, because only hosts may send there. */
export function spoofedSignalFlows(port: VmPort, host: HostContext): Flow[] {
  return host.directors.map(({ recallMac }) => ({
    table: TABLE.classify,
    priority: PRIORITY.spoofedSignal,
    cookie: encodeCookie('agent', 'signal', port.ofport),
    match: { in_port: port.ofport, eth_dst: recallMac, [SIGNAL]: 0 },
    actions: [],
  }))
}
