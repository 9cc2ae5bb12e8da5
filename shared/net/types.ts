import type { FieldName } from '../openflow/fields.ts'
import type { Action, LearnSpec, Match } from '../openflow/types.ts'
import type { HeaderFormat } from '../packet/types.ts'

/** An address as an unsigned number: of IPv4 a number, of IPv6 a bigint. */
export type Address = number | bigint

/**
 * All that differs between IPv4 with ARP and IPv6 with neighbour discovery (ND). Features ask the family of their VIP for
 * matches, actions and packets, and never name a field of one family themselves.
 */
export interface Family {
  readonly name: 'IPv4' | 'IPv6'
  /** Of the packets (IEEE 802 numbers). */
  readonly etherType: number
  /** Bits of an address: the prefix length of a single host. */
  readonly bits: 32 | 128
  /** The CIDR block of all addresses. */
  readonly anyone: string
  /** The address that stands for no address (RFC 1122, 3.2.1.3; RFC 4291, 2.5.2). */
  readonly unspecified: string
  /** Match fields of source and destination address. */
  readonly fields: { readonly src: FieldName; readonly dst: FieldName }
  readonly icmp: Icmp
  readonly neighbours: Neighbours
  readonly header: HeaderFormat
  /** Undefined where the text is no address of this family. */
  parse(text: string): Address | undefined
  /** The one canonical text (of IPv6 as RFC 5952 has it). */
  format(address: Address): string
  /** In network order, 4 or 16 bytes. */
  toBytes(address: Address): Buffer
  fromBytes(bytes: Uint8Array): Address
}

/** ICMP (RFC 792) or ICMPv6 (RFC 4443). */
export interface Icmp {
  /** IANA's protocol number. */
  readonly protocol: number
  readonly fields: { readonly type: FieldName; readonly code: FieldName }
  /** Types of messages that cite the packet which they are about. */
  readonly errors: readonly number[]
  readonly echo: { readonly request: number; readonly reply: number }
  /** Nobody listens on this port; and the most bytes of the packet that may be cited. */
  readonly portUnreachable: { readonly type: number; readonly code: number; readonly cites: number }
  /** A packet does not fit into the next link: where in the message the MTU is, in 2 or 4 bytes, and the least that is believed. */
  readonly tooBig: {
    readonly type: number
    /** Undefined: of any code. */
    readonly code?: number
    readonly mtu: { readonly at: number; readonly bytes: 2 | 4 }
    readonly least: number
  }
  /** ICMPv6 has the addresses in its checksum, ICMP does not (RFC 4443, 2.3). */
  readonly pseudoHeader: boolean
}

/** How machines of one segment find each other: ARP (RFC 826), or ND (RFC 4861). */
export interface Neighbours {
  /** Of the packets (IEEE 802 numbers). */
  readonly etherType: number
  /** Packets that ask who has `address`: broadcasts, unicast probes of a cache, probes for a duplicate. */
  request(address: string): Match
  /** What is done with such a packet, so that "`address` is at `mac`" goes back to who has asked. */
  answer(answer: NeighbourAnswer): readonly Action[]
  /** Packets by which `address` is announced to everybody. */
  announcement(address: string): Match
  /** Such a packet as a frame from `ethSrc`, without FCS, of 60 bytes at least. */
  announce(answer: NeighbourAnswer): Uint8Array
  /** Packets that ask for `address` or announce it, whoever sends them. */
  about(address: string): readonly Match[]
  /**
   * What a VM that holds `address` may send, and nobody may hear: probes for it, announcements, answers. It comes in two
   * lists, for requests from `address` go between them: a packet counts for the first of `unheard`, `requestFrom` and
   * `unheardAfter` that matches it.
   */
  unheard(address: string): readonly Match[]
  unheardAfter(address: string): readonly Match[]
  /** Requests for anybody's address from `address`, which tell on the way where that is. */
  requestFrom(address: string): Match
  /**
   * Makes such a request one from `own` instead; `own` undefined: the sender's own address is not known. The result is
   * undefined where the request cannot be made without it.
   */
  requestAs(own: string | undefined): readonly Action[] | undefined
  /** Packets that say, whoever sends them, that the sender has `address`. */
  claim(address: string): Match
  /** Packets whose sender says, beside Ethernet's source, that it has the hardware address `mac`. */
  senderMac(mac: string): readonly Match[]
  /** Packets by which a switch learns where their sender is, each with what it then matches requests for the sender by. */
  readonly lessons: readonly { readonly match: Match; readonly request: readonly LearnSpec[] }[]
}

export interface NeighbourAnswer {
  readonly address: string
  readonly mac: string
  /** Who sends the frame: not always `mac`, for a proxy must not let the fabric learn on its own port whom it speaks for. */
  readonly ethSrc: string
}
