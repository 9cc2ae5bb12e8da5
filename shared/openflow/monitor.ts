import type { Flow } from './flow-types.ts'
import { eachEntry, encodeMultipartRequest, expectMultipart, MULTIPART, MULTIPART_HEADER } from './header.ts'
import { readInstructions } from './instructions.ts'
import { malformed, readMatch, writeMatch } from './oxm.ts'
import { type Match, PORT } from './types.ts'
import { u8, u16, u32 } from './writer.ts'

/** Flow monitors (OpenFlow 1.5.1, 7.3.5.17): the switch reports every change of its flows. */
const ADD_MONITOR = 0
const DELETE_MONITOR = 2

/** ofp_flow_monitor_flags. */
const FLAG = { initial: 1, add: 2, removed: 4, modify: 8, instructions: 16, noAbbreviation: 32, onlyOwn: 64 } as const
export type MonitorFlag = keyof typeof FLAG

export interface MonitorOptions {
  readonly id: number
  /** Default: changes of every kind, with instructions; the connection's own changes are abbreviated. */
  readonly flags?: readonly MonitorFlag[]
  /** Absent: all. */
  readonly table?: number
  readonly match?: Match
}

export const encodeFlowMonitor = (xid: number, options: MonitorOptions): Buffer =>
  encodeMultipartRequest(xid, MULTIPART.FLOW_MONITOR, w => {
    const { id, flags = ['add', 'removed', 'modify', 'instructions'], table = 0xff, match = {} } = options
    u32(w, id, 'monitor')
    u32(w, PORT.ANY)
    u32(w, 0xffffffff)
    u16(
      w,
      flags.reduce((sum, flag) => sum | FLAG[flag], 0),
    )
    u8(w, table, 'table')
    u8(w, ADD_MONITOR)
    writeMatch(w, match)
  })

export const encodeFlowMonitorDelete = (xid: number, id: number): Buffer =>
  encodeMultipartRequest(xid, MULTIPART.FLOW_MONITOR, w => {
    u32(w, id, 'monitor')
    u32(w, PORT.ANY)
    u32(w, 0xffffffff)
    u16(w, 0)
    u8(w, 0xff)
    u8(w, DELETE_MONITOR)
    writeMatch(w, {})
  })

export type FlowUpdate =
  | {
      readonly event: 'initial' | 'added' | 'removed' | 'modified'
      /** `actions` is empty where instructions were not requested, and for a removed flow. */
      readonly flow: Flow
      /** Match fields (hexadecimal TLVs) that crossport does not know. */
      readonly unknownFields?: string
      /** ofp_flow_removed_reason, for a removed flow. */
      readonly reason: number
    }
  /** A change by this connection, with the xid of its message. */
  | { readonly event: 'abbreviated'; readonly xid: number }
  /** The switch's buffer was full: only removals are reported until `resumed`, which comes after all missed changes. */
  | { readonly event: 'paused' | 'resumed' }

const EVENTS = ['initial', 'added', 'removed', 'modified', 'abbreviated', 'paused', 'resumed'] as const

/** Updates of one OFPMP_FLOW_MONITOR reply; events outside the specification are left out. Throws OPENFLOW_MALFORMED. */
export const decodeFlowUpdates = (bytes: Buffer): FlowUpdate[] => {
  expectMultipart(bytes, MULTIPART.FLOW_MONITOR)
  const updates: FlowUpdate[] = []
  eachEntry(bytes, MULTIPART_HEADER, 8, (at, end) => {
    const event = EVENTS[bytes.readUInt16BE(at + 2)]
    if (event === 'abbreviated') updates.push({ event, xid: bytes.readUInt32BE(at + 4) })
    else if (event === 'paused' || event === 'resumed') updates.push({ event })
    else if (event !== undefined) updates.push(readUpdate(bytes, at, end, event))
  })
  return updates
}

const readUpdate = (
  bytes: Buffer,
  at: number,
  end: number,
  event: 'initial' | 'added' | 'removed' | 'modified',
): FlowUpdate => {
  if (end - at < 32) throw malformed('a flow update cut off', bytes, at)
  const { match, unknown, end: afterMatch } = readMatch(bytes, at + 24, end)
  return {
    event,
    flow: {
      table: bytes[at + 4]!,
      priority: bytes.readUInt16BE(at + 10),
      cookie: bytes.readBigUInt64BE(at + 16),
      match,
      actions: readInstructions(bytes, afterMatch, end),
    },
    reason: bytes[at + 5]!,
    ...(unknown === undefined ? {} : { unknownFields: unknown }),
  }
}
