/** Internet checksum over the whole (RFC 1071), by plain addition: another form than the code's, which amends. */
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

const VIP = [10, 10, 1, 100]
const CLIENT = [192, 168, 7, 20]
const ROUTER = [10, 10, 1, 1]

export interface Shape {
  readonly udp: boolean
  readonly port: number
  /** Bytes of the cited packet above its IP header. */
  readonly cited: number
  readonly options: number
  readonly tagged: boolean
  readonly checksum: boolean
  readonly payload: readonly number[]
}

const ip = (protocol: number, src: readonly number[], dst: readonly number[], length: number, options = 0) =>
  sealed(
    [0x45 + options, 0, ...u16(20 + options * 4 + length), 0, 1, 0x40, 0, 64, protocol, 0, 0, ...src, ...dst].concat(
      Array<number>(options * 4).fill(1),
    ),
    10,
  )

/** A real segment or datagram of the VIP, its own checksum in it, cited by a router as far as `cited` goes. */
export function errorFrame({ udp, port, cited, options, tagged, checksum: summed, payload }: Shape): Uint8Array {
  const protocol = udp ? 17 : 6
  const whole = udp
    ? [...u16(port), ...u16(36000), ...u16(8 + payload.length), 0, 0, ...payload]
    : [...u16(port), ...u16(36000), 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0, ...payload]
  const pseudo = [...VIP, ...CLIENT, 0, protocol, ...u16(whole.length)]
  const at = udp ? 6 : 16
  const computed = checksum([...whole, ...(whole.length % 2 ? [0] : []), ...pseudo])
  const sum = udp && computed === 0 ? 0xffff : computed
  const segment = summed ? [...whole.slice(0, at), ...u16(sum), ...whole.slice(at + 2)] : whole
  const citation = [...ip(protocol, VIP, CLIENT, whole.length, options), ...segment.slice(0, cited)]
  const icmp = sealed([3, 4, 0, 0, 0, 0, ...u16(1280), ...citation], 2)
  const tag = tagged ? [0x81, 0x00, 0, 10] : []
  const ethernet = [2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 3, 1, ...tag, 0x08, 0x00]
  const packet = [...ip(1, ROUTER, VIP, icmp.length), ...icmp]
  return Uint8Array.from([...ethernet, ...packet, ...Array<number>(Math.max(0, 46 - packet.length)).fill(0)])
}
