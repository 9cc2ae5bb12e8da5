import type { Flow } from './flow-types.ts'
import {
  begin,
  eachEntry,
  encodeMultipartRequest,
  expectMultipart,
  finish,
  MULTIPART,
  MULTIPART_HEADER,
  TYPE,
} from './header.ts'
import { readInstructions, writeInstructions } from './instructions.ts'
import { tableOf } from './numbers.ts'
import { malformed, readMatch, writeMatch } from './oxm.ts'
import { createPrint, type Print, printEntry } from './print.ts'
import { readStats, type Stats } from './stats.ts'
import { type Match, PORT } from './types.ts'
import { createWriter, u8, u16, u32, u64, type Writer, written, zeros } from './writer.ts'

/** ofp_flow_mod_command (OpenFlow 1.5.1, 7.3.4.2). Strict: only exactly this match and priority. */
export const FLOW_COMMAND = { add: 0, modify: 1, modify_strict: 2, delete: 3, delete_strict: 4 } as const
export type FlowCommand = keyof typeof FLOW_COMMAND

/** Any group; the value of PORT.ANY. */
const ANY = 0xffffffff

export interface FlowOptions {
  /** Seconds; 0 or absent: never. */
  readonly idleTimeout?: number
  readonly hardTimeout?: number
  /** ofp_flow_mod_flags, a bit mask. */
  readonly flags?: number
  /** For modify and delete: only flows whose cookie has these bits as in `flow.cookie`. */
  readonly cookieMask?: bigint
}

/**
 * Writes one whole FLOW_MOD message. A delete carries no actions, and carries its cookie only with `cookieMask`. Throws
 * OPENFLOW_VALUE_INVALID.
 */
export const writeFlowMod = (
  w: Writer,
  xid: number,
  command: FlowCommand,
  flow: Flow,
  { idleTimeout = 0, hardTimeout = 0, flags = 0, cookieMask = 0n }: FlowOptions = {},
): void => {
  const start = begin(w, TYPE.FLOW_MOD, xid)
  const deletes = command === 'delete' || command === 'delete_strict'
  u64(w, deletes && cookieMask === 0n ? 0n : flow.cookie, 'cookie')
  u64(w, cookieMask, 'cookie mask')
  u8(w, command === 'delete' ? flow.table : tableOf(flow.table, 'table'), 'table')
  u8(w, FLOW_COMMAND[command])
  u16(w, idleTimeout, 'idle_timeout')
  u16(w, hardTimeout, 'hard_timeout')
  u16(w, flow.priority, 'priority')
  u32(w, ANY)
  u32(w, PORT.ANY)
  u32(w, ANY)
  u16(w, flags, 'flags')
  u16(w, 0)
  writeMatch(w, flow.match)
  if (!deletes) writeInstructions(w, flow.actions)
  finish(w, start)
}

/** One FLOW_MOD in a buffer of its own. For many, use one writer. */
export const encodeFlowMod = (xid: number, command: FlowCommand, flow: Flow, options?: FlowOptions): Buffer => {
  const w = createWriter()
  writeFlowMod(w, xid, command, flow, options)
  return written(w)
}

/** Which flows a request is about; absent: all. */
export interface FlowFilter {
  readonly table?: number
  readonly cookie?: { readonly cookie: bigint; readonly mask: bigint }
  readonly match?: Match
}

const writeFilter = (w: Writer, { table = 0xff, cookie, match = {} }: FlowFilter): void => {
  u8(w, table, 'table')
  zeros(w, 3)
  u32(w, PORT.ANY)
  u32(w, ANY)
  zeros(w, 4)
  u64(w, cookie?.cookie ?? 0n, 'cookie')
  u64(w, cookie?.mask ?? 0n, 'cookie mask')
  writeMatch(w, match)
}

/** OFPMP_FLOW_DESC: flows with cookie, actions and counters. (Open vSwitch has no OFPMP_FLOW_STATS of OpenFlow 1.5.) */
export const encodeFlowDescRequest = (xid: number, filter: FlowFilter = {}): Buffer =>
  encodeMultipartRequest(xid, MULTIPART.FLOW_DESC, w => writeFilter(w, filter))

/** A flow as the switch describes it. */
export interface FlowDesc extends Flow {
  /** Seconds; 0: never. */
  readonly idleTimeout: number
  readonly hardTimeout: number
  /** ofp_flow_mod_flags. */
  readonly flags: number
  readonly stats: Stats
  /** Match fields (hexadecimal TLVs) that crossport does not know; `match` alone then does not identify the flow. */
  readonly unknownFields?: string
}

/**
 * Flows of one OFPMP_FLOW_DESC reply; readMultipart says whether more follow. Unknown fields, actions and instructions
 * of other people's flows are kept opaque. Those that are `known` by their prints are left out, undecoded; a print is
 * good until the call returns. Throws OPENFLOW_MALFORMED when lengths do not fit.
 */
export const decodeFlowDesc = (bytes: Buffer, known?: (print: Print) => boolean): FlowDesc[] => {
  expectMultipart(bytes, MULTIPART.FLOW_DESC)
  const flows: FlowDesc[] = []
  eachEntry(bytes, MULTIPART_HEADER, 32, (at, end) => {
    if (known?.(entryPrint(bytes, at, end))) return
    const { match, unknown, end: afterMatch } = readMatch(bytes, at + 24, end)
    const { stats, end: afterStats } = readStats(bytes, afterMatch, end)
    flows.push({
      table: bytes[at + 4]!,
      priority: bytes.readUInt16BE(at + 6),
      cookie: bytes.readBigUInt64BE(at + 16),
      match,
      actions: readInstructions(bytes, afterStats, end),
      idleTimeout: bytes.readUInt16BE(at + 8),
      hardTimeout: bytes.readUInt16BE(at + 10),
      flags: bytes.readUInt16BE(at + 12),
      stats,
      ...(unknown === undefined ? {} : { unknownFields: unknown }),
    })
  })
  return flows
}

/** The counters of a flow; `match` is decoded when it is read. */
export interface FlowCount {
  readonly cookie: bigint
  readonly packets: number
  readonly match: Match
}

const print = createPrint()

const entryPrint = (bytes: Buffer, at: number, end: number): Print => {
  const stats = afterStruct(bytes, at + 24, end)
  const instructions = afterStruct(bytes, stats, end)
  printEntry(print, bytes, at, { at: at + 24, end: stats }, { at: instructions, end })
  return print
}

/** End of an ofp_match or ofp_stats: type, length without padding (OpenFlow 1.5.1, 7.2.3.1 and 7.2.4.1). */
const afterStruct = (bytes: Buffer, at: number, limit: number): number => {
  const length = at + 4 <= limit ? bytes.readUInt16BE(at + 2) : 0
  const end = at + ((length + 7) & ~7)
  if (length < 4 || end > limit) throw malformed('a structure of wrong length', bytes, at)
  return end
}

/** Only cookies and packet counts of one OFPMP_FLOW_DESC reply, for a fraction of the work. Throws OPENFLOW_MALFORMED. */
export const decodeFlowCounts = (bytes: Buffer): FlowCount[] => {
  expectMultipart(bytes, MULTIPART.FLOW_DESC)
  const flows: FlowCount[] = []
  eachEntry(bytes, MULTIPART_HEADER, 32, (at, end) => {
    const { stats } = readStats(bytes, afterStruct(bytes, at + 24, end), end)
    flows.push({
      cookie: bytes.readBigUInt64BE(at + 16),
      packets: Number(stats.packets),
      get match() {
        return readMatch(bytes, at + 24, end).match
      },
    })
  })
  return flows
}

/** OFPMP_AGGREGATE_STATS: the sums of the counters of all these flows, in one small answer. */
export const encodeAggregateRequest = (xid: number, filter: FlowFilter = {}): Buffer =>
  encodeMultipartRequest(xid, MULTIPART.AGGREGATE_STATS, w => writeFilter(w, filter))

/** The reply to it. Throws OPENFLOW_MALFORMED. */
export const decodeAggregate = (bytes: Buffer): Stats => {
  expectMultipart(bytes, MULTIPART.AGGREGATE_STATS)
  return readStats(bytes, MULTIPART_HEADER, bytes.length).stats
}

/** Fields of a decoded FLOW_MOD, for tests and for what ovs-ofctl sends. Throws OPENFLOW_MALFORMED. */
export const decodeFlowMod = (bytes: Buffer): { command: number; flow: Flow; unknownFields: string | undefined } => {
  const { match, unknown, end } = readMatch(bytes, 48, bytes.length)
  return {
    command: bytes[25]!,
    flow: {
      table: bytes[24]!,
      priority: bytes.readUInt16BE(30),
      cookie: bytes.readBigUInt64BE(8),
      match,
      actions: readInstructions(bytes, end, bytes.length),
    },
    unknownFields: unknown,
  }
}
