/** Internet checksum over all bytes (RFC 1071) by plain addition: another form than the code's incremental update. */
function checksum(bytes: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}
const u16 = (n: number) => [(n >> 8) & 0xff, n & 0xff]
const sealed = (bytes: readonly number[], at: number) => [
  ...bytes.slice(0, at),
  ...u16(checksum(bytes)),
  ...bytes.slice(at + 2),
]

/** The addresses of a VIP, a client and a router, with the packet formats of their family. */
interface Protocol {
  readonly vip: readonly number[]
  readonly client: readonly number[]
  readonly router: readonly number[]
  readonly etherType: readonly number[]
  readonly icmp: number
  /** "Too big", and the part of its checksum outside the message. */
  readonly tooBig: readonly number[]
  ip(protocol: number, src: readonly number[], dst: readonly number[], length: number, options?: number): number[]
  pseudo(protocol: number, src: readonly number[], dst: readonly number[], length: number): number[]
  icmpPseudo(src: readonly number[], dst: readonly number[], length: number): number[]
}

const IPV4: Protocol = {
  vip: [10, 10, 1, 100],
  client: [192, 168, 7, 20],
  router: [10, 10, 1, 1],
  etherType: [0x08, 0x00],
  icmp: 1,
  tooBig: [3, 4],
  ip: (protocol, src, dst, length, options = 0) =>
    sealed(
      [0x45 + options, 0, ...u16(20 + options * 4 + length), 0, 1, 0x40, 0, 64, protocol, 0, 0, ...src, ...dst].concat(
        Array<number>(options * 4).fill(1),
      ),
      10,
    ),
  pseudo: (protocol, src, dst, length) => [...src, ...dst, 0, protocol, ...u16(length)],
  icmpPseudo: () => [],
}

const v6 = (last: number) => [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(10).fill(0), ...u16(last)]
const DESTINATION_OPTIONS = 60

const IPV6: Protocol = {
  vip: v6(0x100),
  client: v6(0x10),
  router: v6(1),
  etherType: [0x86, 0xdd],
  icmp: 58,
  tooBig: [2, 0],
  ip: (protocol, src, dst, length, options = 0) => {
    const next = (i: number) => (i < options ? DESTINATION_OPTIONS : protocol)
    const extensions = Array.from({ length: options }, (_, i) => [next(i + 1), 0, 1, 4, 0, 0, 0, 0]).flat()
    return [0x60, 0, 0, 0, ...u16(extensions.length + length), next(0), 64, ...src, ...dst, ...extensions]
  },
  pseudo: (protocol, src, dst, length) => [...src, ...dst, 0, 0, ...u16(length), 0, 0, 0, protocol],
  icmpPseudo: (src, dst, length) => IPV6.pseudo(58, src, dst, length),
}

export interface Shape {
  readonly ipv6?: boolean
  readonly udp: boolean
  readonly port: number
  /** Bytes of the cited packet after its IP header. */
  readonly cited: number
  /** Words of options, or extension headers, in the cited packet. */
  readonly options: number
  readonly tagged: boolean
  readonly checksum: boolean
  readonly payload: readonly number[]
  /** What the next link takes. Default 1280. */
  readonly mtu?: number
}

const even = (bytes: readonly number[]) => [...bytes, ...(bytes.length % 2 ? [0] : [])]

/** A real segment or datagram of the VIP with its own checksum, cited by a router up to `cited`. */
export function errorFrame(shape: Shape): Uint8Array {
  const { udp, port, cited, options, tagged, checksum: summed, payload } = shape
  const { vip, client, router, etherType, icmp, tooBig, ip, pseudo, icmpPseudo } = shape.ipv6 ? IPV6 : IPV4
  const protocol = udp ? 17 : 6
  const whole = udp
    ? [...u16(port), ...u16(36000), ...u16(8 + payload.length), 0, 0, ...payload]
    : [...u16(port), ...u16(36000), 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0, ...payload]
  const at = udp ? 6 : 16
  const computed = checksum([...even(whole), ...pseudo(protocol, vip, client, whole.length)])
  const sum = udp && computed === 0 ? 0xffff : computed
  const segment = summed ? [...whole.slice(0, at), ...u16(sum), ...whole.slice(at + 2)] : whole
  const citation = [...ip(protocol, vip, client, whole.length, options), ...segment.slice(0, cited)]
  const bare = [...tooBig, 0, 0, 0, 0, ...u16(shape.mtu ?? 1280), ...citation]
  const error = [
    ...bare.slice(0, 2),
    ...u16(checksum([...even(bare), ...icmpPseudo(router, vip, bare.length)])),
    ...bare.slice(4),
  ]
  const tag = tagged ? [0x81, 0x00, 0, 10] : []
  const ethernet = [2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 3, 1, ...tag, ...etherType]
  const packet = [...ip(icmp, router, vip, error.length), ...error]
  return Uint8Array.from([...ethernet, ...packet, ...Array<number>(Math.max(0, 46 - packet.length)).fill(0)])
}
