/** Source and destination of a packet: 4 bytes each, or 16. */
export interface Addresses {
  readonly src: Buffer
  readonly dst: Buffer
}

/** The content of a packet's IP header. */
export interface Header extends Addresses {
  /** IANA's number of the payload's protocol, after all options and extension headers. */
  readonly protocol: number
  /** Start of the payload. */
  readonly payload: number
  /** End of the packet by its own length: a frame may be padded after it, or cut off before it. */
  readonly end: number
  /** False for a fragment other than the first, which has no ports. */
  readonly first: boolean
}

/** The layout of one family's IP header. */
export interface HeaderFormat {
  /** Undefined where `bytes` has no whole header from `at` on. The bytes are not trusted. */
  read(bytes: Buffer, at: number): Header | undefined
  /** A header without options, hop limit 64, for a payload of `length` bytes. */
  write(addresses: Addresses, protocol: number, length: number): Buffer
  /** Sets the length of the packet at `at` so that it ends at `end`, and updates the checksum where there is one. */
  resize(bytes: Buffer, at: number, end: number): void
  /** The bytes that a transport's checksum covers besides the transport's own. */
  pseudo(addresses: Addresses, protocol: number, length: number): Buffer
}
