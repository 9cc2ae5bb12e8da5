/** Source and destination of a packet: 4 bytes each, or 16. */
export interface Addresses {
  readonly src: Buffer
  readonly dst: Buffer
}

/** What a packet's IP header says. */
export interface Header extends Addresses {
  /** IANA's number of what the packet carries, behind all options and extension headers. */
  readonly protocol: number
  /** Where that begins. */
  readonly payload: number
  /** Where the packet ends, as it says: a frame may be padded behind it, or cut off before it. */
  readonly end: number
  /** False for a fragment other than the first, whose payload has no ports. */
  readonly first: boolean
}

/** How one family lays out its IP header. */
export interface HeaderFormat {
  /** Undefined where `bytes` has no whole header from `at` on. Nothing in them is trusted. */
  read(bytes: Buffer, at: number): Header | undefined
  /** A header without options, hop limit 64, for a payload of `length` bytes. */
  write(addresses: Addresses, protocol: number, length: number): Buffer
  /** Makes the packet at `at` end at `end`: length, and checksum where there is one. */
  resize(bytes: Buffer, at: number, end: number): void
  /** What a transport's checksum covers besides the transport's own bytes. */
  pseudo(addresses: Addresses, protocol: number, length: number): Buffer
}
