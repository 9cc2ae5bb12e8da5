import { malformed } from './oxm.ts'
import { createWriter, setLength, u8, u16, u32, type Writer, written, zeros } from './writer.ts'

/** OpenFlow 1.5's number on the wire. */
export const VERSION = 6

/** ofp_type (OpenFlow 1.5.1, 7.1.1). */
export const TYPE = {
  HELLO: 0,
  ERROR: 1,
  ECHO_REQUEST: 2,
  ECHO_REPLY: 3,
  EXPERIMENTER: 4,
  FEATURES_REQUEST: 5,
  FEATURES_REPLY: 6,
  GET_CONFIG_REQUEST: 7,
  GET_CONFIG_REPLY: 8,
  SET_CONFIG: 9,
  PACKET_IN: 10,
  FLOW_REMOVED: 11,
  PORT_STATUS: 12,
  PACKET_OUT: 13,
  FLOW_MOD: 14,
  GROUP_MOD: 15,
  PORT_MOD: 16,
  TABLE_MOD: 17,
  MULTIPART_REQUEST: 18,
  MULTIPART_REPLY: 19,
  BARRIER_REQUEST: 20,
  BARRIER_REPLY: 21,
  ROLE_REQUEST: 24,
  ROLE_REPLY: 25,
  GET_ASYNC_REQUEST: 26,
  GET_ASYNC_REPLY: 27,
  SET_ASYNC: 28,
  METER_MOD: 29,
  ROLE_STATUS: 30,
  TABLE_STATUS: 31,
  REQUESTFORWARD: 32,
  BUNDLE_CONTROL: 33,
  BUNDLE_ADD_MESSAGE: 34,
  CONTROLLER_STATUS: 35,
} as const

/** ofp_multipart_type (OpenFlow 1.5.1, 7.3.5.1). */
export const MULTIPART = {
  DESC: 0,
  FLOW_DESC: 1,
  AGGREGATE_STATS: 2,
  GROUP_STATS: 6,
  GROUP_DESC: 7,
  PORT_DESC: 13,
  FLOW_MONITOR: 16,
} as const

export interface Header {
  readonly version: number
  readonly type: number
  readonly length: number
  readonly xid: number
}

/** Throws OPENFLOW_MALFORMED for fewer than 8 bytes, and when the length field is not the message's length. */
export const readHeader = (bytes: Buffer): Header => {
  if (bytes.length < 8 || bytes.readUInt16BE(2) !== bytes.length) throw malformed('a header of wrong length', bytes, 0)
  return { version: bytes[0]!, type: bytes[1]!, length: bytes.length, xid: bytes.readUInt32BE(4) }
}

/** Writes a header; `finish` fills in the length. */
export const begin = (w: Writer, type: number, xid: number): number => {
  const start = w.at
  u8(w, VERSION)
  u8(w, type)
  u16(w, 0)
  u32(w, xid, 'xid')
  return start
}

/** Throws OPENFLOW_VALUE_INVALID when the message is longer than 65535 bytes. */
export const finish = (w: Writer, start: number): void => setLength(w, start + 2, w.at - start)

/** One message in a buffer of its own. */
export const encode = (type: number, xid: number, body?: (w: Writer) => void): Buffer => {
  const w = createWriter(64)
  const start = begin(w, type, xid)
  body?.(w)
  finish(w, start)
  return written(w)
}

export const encodeMultipartRequest = (xid: number, type: number, body?: (w: Writer) => void): Buffer =>
  encode(TYPE.MULTIPART_REQUEST, xid, w => {
    u16(w, type, 'multipart type')
    zeros(w, 6)
    body?.(w)
  })

export interface Multipart {
  /** One of MULTIPART, or another number. */
  readonly type: number
  /** Further messages with this xid follow (OFPMPF_REPLY_MORE). */
  readonly more: boolean
}

/** Bytes of a multipart message before its body. */
export const MULTIPART_HEADER = 16

/** Reads the header of a multipart reply. Throws OPENFLOW_MALFORMED when it is truncated or another message. */
export const readMultipart = (bytes: Buffer): Multipart => {
  if (bytes.length < MULTIPART_HEADER || bytes[1] !== TYPE.MULTIPART_REPLY)
    throw malformed('no multipart reply', bytes, 0)
  return { type: bytes.readUInt16BE(8), more: (bytes.readUInt16BE(10) & 1) !== 0 }
}

/** Throws OPENFLOW_MALFORMED unless the message is a multipart reply of this type. */
export const expectMultipart = (bytes: Buffer, type: number): void => {
  if (readMultipart(bytes).type !== type) throw malformed(`a multipart reply that is not of type ${type}`, bytes, 8)
}

/**
 * Iterates over entries that hold their length (16 bits, `lengthAt` bytes in): calls back with each one's start and end. Throws
 * OPENFLOW_MALFORMED when one is shorter than `least` or longer than the rest.
 */
export const eachEntry = (
  bytes: Buffer,
  from: number,
  least: number,
  read: (at: number, end: number) => void,
  limit = bytes.length,
  lengthAt = 0,
): void => {
  for (let at = from; at < limit; ) {
    const length = at + lengthAt + 2 <= limit ? bytes.readUInt16BE(at + lengthAt) : 0
    if (length < least || at + length > limit) throw malformed('an entry of wrong length', bytes, at)
    read(at, at + length)
    at += length
  }
}
