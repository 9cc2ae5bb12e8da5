import { GROUP_ALL } from './group.ts'
import { eachEntry, encodeMultipartRequest, expectMultipart, MULTIPART, MULTIPART_HEADER } from './header.ts'
import { u32, zeros } from './writer.ts'

/** Counters of a group. Open vSwitch lists the buckets in the group's order, without ids. */
export interface GroupStats {
  readonly id: number
  readonly packets: bigint
  readonly bytes: bigint
  /** Seconds. */
  readonly duration: number
  readonly buckets: readonly { readonly packets: bigint; readonly bytes: bigint }[]
}

/** OFPMP_GROUP_STATS of one group, or of all. */
export const encodeGroupStatsRequest = (xid: number, id = GROUP_ALL): Buffer =>
  encodeMultipartRequest(xid, MULTIPART.GROUP_STATS, w => {
    u32(w, id, 'group')
    zeros(w, 4)
  })

/** Groups of one OFPMP_GROUP_STATS reply. Throws OPENFLOW_MALFORMED. */
export const decodeGroupStats = (bytes: Buffer): GroupStats[] => {
  expectMultipart(bytes, MULTIPART.GROUP_STATS)
  const groups: GroupStats[] = []
  eachEntry(bytes, MULTIPART_HEADER, 40, (at, end) => {
    const buckets: { packets: bigint; bytes: bigint }[] = []
    for (let p = at + 40; p + 16 <= end; p += 16)
      buckets.push({ packets: bytes.readBigUInt64BE(p), bytes: bytes.readBigUInt64BE(p + 8) })
    groups.push({
      id: bytes.readUInt32BE(at + 4),
      packets: bytes.readBigUInt64BE(at + 16),
      bytes: bytes.readBigUInt64BE(at + 24),
      duration: bytes.readUInt32BE(at + 32) + bytes.readUInt32BE(at + 36) / 1e9,
      buckets,
    })
  })
  return groups
}
