import { malformed } from './oxm.ts'

/** Counters of a flow (OXS, OpenFlow 1.5.1, 7.2.4). */
export interface Stats {
  readonly packets: bigint
  readonly bytes: bigint
  /** Seconds, with nanoseconds as a fraction. */
  readonly duration: number
}

const OPENFLOW_BASIC = 0x8002
const FIELD = { DURATION: 0, PACKET_COUNT: 4, BYTE_COUNT: 5 } as const

/** Reads an ofp_stats at `at`; absent counters are 0. Throws OPENFLOW_MALFORMED. */
export const readStats = (bytes: Buffer, at: number, limit: number): { stats: Stats; end: number } => {
  const length = at + 4 <= limit ? bytes.readUInt16BE(at + 2) : 0
  const end = at + Math.ceil(length / 8) * 8
  if (length < 4 || end > limit) throw malformed('statistics of wrong length', bytes, at)
  const stats = { packets: 0n, bytes: 0n, duration: 0 }
  for (let p = at + 4; p < at + length; ) {
    const size = p + 4 <= at + length ? 4 + bytes[p + 3]! : Infinity
    if (p + size > at + length) throw malformed('a counter longer than its statistics', bytes, p)
    const field = bytes.readUInt16BE(p) === OPENFLOW_BASIC && size === 12 ? bytes[p + 2]! >> 1 : -1
    if (field === FIELD.DURATION) stats.duration = bytes.readUInt32BE(p + 4) + bytes.readUInt32BE(p + 8) / 1e9
    else if (field === FIELD.PACKET_COUNT) stats.packets = bytes.readBigUInt64BE(p + 4)
    else if (field === FIELD.BYTE_COUNT) stats.bytes = bytes.readBigUInt64BE(p + 4)
    p += size
  }
  return { stats, end }
}
