import type { FieldName } from '../openflow/fields.ts'
import type { Action, LearnSpec, Match } from '../openflow/types.ts'
import type { HeaderFormat } from '../wire/types.ts'

/** An address as an unsigned number: a number for IPv4, a bigint for IPv6. */
export type Address = number | bigint

/**
 * Everything that differs between IPv4 with ARP and IPv6 with neighbour discovery (ND). Features ask the family of their VIP for
 * matches, actions and packets, and never name a field of one family themselves.
 */
export interface Family {
  readonly name: 'IPv4' | 'IPv6'
  /** EtherType of the packets (IEEE 802 numbers). */
  readonly etherType: number
  /** Number of bits of an address: the prefix length of a single host. */
  readonly bits: 32 | 128
  /** The CIDR block of all addresses. */
  readonly anyone: string
  /** The unspecified address (RFC 1122, 3.2.1.3; RFC 4291, 2.5.2). */
  readonly unspecified: string
  /** Match fields of the source and destination address. */
  readonly fields: { readonly src: FieldName; readonly dst: FieldName }
  readonly icmp: Icmp
  readonly neighbours: Neighbours
  readonly header: HeaderFormat
  /** Undefined where the text is not an address of this family. */
  parse(text: string): Address | undefined
  /** The canonical text (RFC 5952 for IPv6). */
  format(address: Address): string
  /** The address in network byte order, 4 or 16 bytes. */
  toBytes(address: Address): Buffer
  fromBytes(bytes: Uint8Array): Address
}

/** ICMP (RFC 792) or ICMPv6 (RFC 4443). */
export interface Icmp {
  /** IANA's protocol number. */
  readonly protocol: number
  readonly fields: { readonly type: FieldName; readonly code: FieldName }
  /** Types of the messages that cite the packet that caused them. */
  readonly errors: readonly number[]
  readonly echo: { readonly request: number; readonly reply: number }
  /** Type and code of "port unreachable", and the most bytes of the packet that the error may cite. */
  readonly portUnreachable: { readonly type: number; readonly code: number; readonly cites: number }
  /** A packet does not fit into the next link: where in the message the MTU is, in 2 or 4 bytes, and the least that is believed. */
  readonly tooBig: {
    readonly type: number
    /** Undefined: of any code. */
    readonly code?: number
    readonly mtu: { readonly at: number; readonly bytes: 2 | 4 }
    readonly least: number
  }
  /** ICMPv6 includes the addresses in its checksum, ICMP does not (RFC 4443, 2.3). */
  readonly pseudoHeader: boolean
}

/** How machines of one segment find each other's hardware address: ARP (RFC 826), or ND (RFC 4861). */
export interface Neighbours {
  /** EtherType of the packets (IEEE 802 numbers). */
  readonly etherType: number
  /** Matches packets that ask for `address`: broadcasts, unicast probes of a neighbour cache, probes for a duplicate. */
  request(address: string): Match
  /** Actions that answer such a packet with "`address` is at `mac`". */
  answer(answer: NeighbourAnswer): readonly Action[]
  /** Matches packets that announce `address` to all. */
  announcement(address: string): Match
  /** An announcement as a frame from `ethSrc`, without FCS, of at least 60 bytes. */
  announce(answer: NeighbourAnswer): Uint8Array
  /** Matches packets that ask for `address` or announce it, from any sender. */
  about(address: string): readonly Match[]
  /**
   * Matches packets of a VM with `address` that must not be forwarded: probes, announcements and answers for it. There are two
   * lists because requests from `address` come between them: a packet counts for the first of `unheard`, `requestFrom` and
   * `unheardAfter` that matches it.
   */
  unheard(address: string): readonly Match[]
  unheardAfter(address: string): readonly Match[]
  /** Matches requests from `address` for any other address; they also tell where their sender is. */
  requestFrom(address: string): Match
  /**
   * Actions that replace such a request's sender by `own`; undefined: the sender's own address is not known. Returns undefined
   * where the request is impossible without one.
   */
  requestAs(own: string | undefined): readonly Action[] | undefined
  /** Matches packets, from any sender, that claim `address` for their sender. */
  claim(address: string): Match
  /** Packets whose sender says, beside Ethernet's source, that it has the hardware address `mac`. */
  senderMac(mac: string): readonly Match[]
  /** Packets by which a switch learns where their sender is, each with what it then matches requests for the sender by. */
  readonly lessons: readonly { readonly match: Match; readonly request: readonly LearnSpec[] }[]
}

export interface NeighbourAnswer {
  readonly address: string
  readonly mac: string
  /**
   * Source address of the frame. It is not always `mac`: a proxy must not let the fabric learn the other machine on the proxy's
   * port.
   */
  readonly ethSrc: string
}
