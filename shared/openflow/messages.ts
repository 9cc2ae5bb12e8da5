import { writeActions } from './actions.ts'
import { errorName } from './errors.ts'
import { begin, encode, finish, TYPE, VERSION } from './header.ts'
import { malformed, readMatch, writeMatch } from './oxm.ts'
import { readActions } from './read-actions.ts'
import { type Action, type Match, PORT } from './types.ts'
import { raw, setLength, u16, u32, type Writer, zeros } from './writer.ts'

export * from './bundle.ts'
export * from './flow.ts'
export * from './group.ts'
export * from './group-stats.ts'
export * from './header.ts'
export * from './meter.ts'
export * from './monitor.ts'
export * from './port-desc.ts'

/** Messages with small bodies. `encode…` returns one whole message; `decode…` takes one, header included. */

/** HELLO with the version bitmap: only 1.5 (OpenFlow 1.5.1, 7.5.1). */
export const encodeHello = (xid: number): Buffer =>
  encode(TYPE.HELLO, xid, w => {
    u16(w, 1)
    u16(w, 8)
    u32(w, 1 << VERSION)
  })

/**
 * Versions that a HELLO offers, as numbers on the wire; 6 is 1.5. Without a bitmap: all up to the header's. Throws
 * OPENFLOW_MALFORMED.
 */
export const decodeHello = (bytes: Buffer): number[] => {
  for (let at = 8; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? bytes.readUInt16BE(at + 2) : 0
    if (length < 4 || at + length > bytes.length) throw malformed('a HELLO element of wrong length', bytes, at)
    if (bytes.readUInt16BE(at) === 1 && length >= 8) {
      const bitmap = bytes.readUInt32BE(at + 4)
      return Array.from({ length: 32 }, (_, i) => i).filter(i => ((bitmap >>> i) & 1) !== 0)
    }
    at += Math.ceil(length / 8) * 8
  }
  return Array.from({ length: bytes[0]! }, (_, i) => i + 1)
}

export const encodeEchoRequest = (xid: number, data: Uint8Array = new Uint8Array()): Buffer =>
  encode(TYPE.ECHO_REQUEST, xid, w => raw(w, data))

/** `data` is that of the request. */
export const encodeEchoReply = (xid: number, data: Uint8Array = new Uint8Array()): Buffer =>
  encode(TYPE.ECHO_REPLY, xid, w => raw(w, data))

export const encodeBarrierRequest = (xid: number): Buffer => encode(TYPE.BARRIER_REQUEST, xid)
export const encodeFeaturesRequest = (xid: number): Buffer => encode(TYPE.FEATURES_REQUEST, xid)

/** `missSendLen`: bytes of a packet in a PACKET_IN; 0xffff: the whole packet. The switch sends none until this is set. */
export const encodeSetConfig = (xid: number, missSendLen = 0xffff): Buffer =>
  encode(TYPE.SET_CONFIG, xid, w => {
    u16(w, 0)
    u16(w, missSendLen, 'miss_send_len')
  })

/**
 * Selects asynchronous messages: pairs of ofp_async_config_prop_type and mask of reasons (OpenFlow 1.5.1, 7.3.10); odd types are
 * for the roles equal and master.
 */
export const encodeSetAsync = (xid: number, masks: readonly (readonly [type: number, mask: number])[]): Buffer =>
  encode(TYPE.SET_ASYNC, xid, w => {
    for (const [type, mask] of masks) {
      u16(w, type, 'async type')
      u16(w, 8)
      u32(w, mask, 'async mask')
    }
  })

export interface Features {
  readonly datapathId: bigint
  readonly tables: number
  /** ofp_capabilities. */
  readonly capabilities: number
}

/** FEATURES_REPLY. Throws OPENFLOW_MALFORMED. */
export const decodeFeatures = (bytes: Buffer): Features => {
  if (bytes.length < 32) throw malformed('a FEATURES_REPLY cut off', bytes, 0)
  return { datapathId: bytes.readBigUInt64BE(8), tables: bytes[20]!, capabilities: bytes.readUInt32BE(24) }
}

export interface OpenFlowError {
  readonly type: number
  readonly code: number
  /** `OFPBAC_BAD_TYPE`; numbers for an error that is not in the table. */
  readonly name: string
  /** What the switch cites: at least the first 64 bytes of the message at fault, or a text for HELLO_FAILED. */
  readonly data: Buffer
}

/** ERROR. Throws OPENFLOW_MALFORMED. */
export const decodeError = (bytes: Buffer): OpenFlowError => {
  if (bytes.length < 12) throw malformed('an ERROR cut off', bytes, 0)
  const type = bytes.readUInt16BE(8)
  const experimenter = type === 0xffff && bytes.length >= 16
  const code = bytes.readUInt16BE(10)
  const name = errorName(type, code, experimenter ? bytes.readUInt32BE(12) : undefined)
  return { type, code, name, data: bytes.subarray(experimenter ? 16 : 12) }
}

export interface PacketInMessage {
  /** Undefined when the switch gave none. */
  readonly inPort: number | undefined
  readonly table: number
  /** ofp_packet_in_reason: 0 table miss, 1 action … */
  readonly reason: number
  readonly cookie: bigint
  /** Length of the frame; `data` may be shorter. */
  readonly totalLength: number
  readonly match: Match
  readonly data: Buffer
}

/** PACKET_IN. Throws OPENFLOW_MALFORMED. */
export const decodePacketIn = (bytes: Buffer): PacketInMessage => {
  if (bytes.length < 24) throw malformed('a PACKET_IN cut off', bytes, 0)
  const { match, end } = readMatch(bytes, 24, bytes.length)
  return {
    inPort: match.in_port === undefined ? undefined : Number(match.in_port),
    table: bytes[15]!,
    reason: bytes[14]!,
    cookie: bytes.readBigUInt64BE(16),
    totalLength: bytes.readUInt16BE(12),
    match,
    data: bytes.subarray(Math.min(end + 2, bytes.length)),
  }
}

export interface PacketOutMessage {
  /** Port that the packet seems to come from; default CONTROLLER. */
  readonly inPort?: number
  readonly actions: readonly Action[]
  /** The frame from its Ethernet header on, without FCS. */
  readonly data: Uint8Array
}

/** Writes a whole PACKET_OUT. Throws OPENFLOW_VALUE_INVALID. */
export const writePacketOut = (w: Writer, xid: number, packet: PacketOutMessage): void => {
  const start = begin(w, TYPE.PACKET_OUT, xid)
  u32(w, 0xffffffff)
  const lengthAt = w.at
  zeros(w, 4)
  writeMatch(w, { in_port: packet.inPort ?? PORT.CONTROLLER })
  const actions = w.at
  writeActions(w, packet.actions)
  setLength(w, lengthAt, w.at - actions)
  raw(w, packet.data)
  finish(w, start)
}

export const encodePacketOut = (xid: number, packet: PacketOutMessage): Buffer => {
  const w = { bytes: Buffer.allocUnsafe(256 + packet.data.length), at: 0 }
  writePacketOut(w, xid, packet)
  return w.bytes.subarray(0, w.at)
}

/** PACKET_OUT, for tests. Throws OPENFLOW_MALFORMED. */
export const decodePacketOut = (bytes: Buffer): PacketOutMessage => {
  if (bytes.length < 24) throw malformed('a PACKET_OUT cut off', bytes, 0)
  const { match, end } = readMatch(bytes, 16, bytes.length)
  const data = end + bytes.readUInt16BE(12)
  if (data > bytes.length) throw malformed('actions longer than their PACKET_OUT', bytes, 12)
  const inPort = match.in_port
  return {
    ...(inPort === undefined ? {} : { inPort: Number(inPort) }),
    actions: readActions(bytes, end, data),
    data: bytes.subarray(data),
  }
}
