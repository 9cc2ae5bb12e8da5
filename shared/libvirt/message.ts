import { decode, encode, hex, int, malformed, optional, string, struct, uint, xdrReader } from './xdr.ts'

/** Programs and message layout: libvirt's src/rpc/virnetprotocol.x. */
export const REMOTE_PROGRAM = 0x20008086
export const QEMU_PROGRAM = 0x20008087
export const KEEPALIVE_PROGRAM = 0x6b656570
export const KEEPALIVE_PING = 1
export const KEEPALIVE_PONG = 2
export const PROTOCOL_VERSION = 1

export const CALL = 0
export const REPLY = 1
export const MESSAGE = 2

export const OK = 0
export const ERROR = 1

export interface Header {
  readonly program: number
  readonly version: number
  readonly procedure: number
  readonly type: number
  readonly serial: number
  readonly status: number
}

const header = struct<Header>({ program: uint, version: uint, procedure: int, type: uint, serial: uint, status: uint })

/** VIR_NET_MESSAGE_STRING_MAX, REMOTE_STRING_MAX */
export const STRING_MAX = 4_194_304

/** A domain as the protocol names it; `uuid` is 32 hexadecimal digits, `id` is -1 while it is not running. */
export interface DomainRef {
  readonly name: string
  readonly uuid: string
  readonly id: number
}

export const text = string(STRING_MAX)
export const domainRef = struct<DomainRef>({ name: text, uuid: hex(16), id: int })
const networkRef = struct<{ name: string; uuid: string }>({ name: text, uuid: hex(16) })

/** An error reply: `code` is a virErrorNumber, `domain` a virErrorDomain (libvirt/virterror.h). */
export interface RemoteError {
  readonly code: number
  readonly domain: number
  readonly message: string | undefined
  readonly level: number
  readonly dom: DomainRef | undefined
  readonly str1: string | undefined
  readonly str2: string | undefined
  readonly str3: string | undefined
  readonly int1: number
  readonly int2: number
  readonly net: { name: string; uuid: string } | undefined
}

export const remoteError = struct<RemoteError>({
  code: int,
  domain: int,
  message: optional(text),
  level: int,
  dom: optional(domainRef),
  str1: optional(text),
  str2: optional(text),
  str3: optional(text),
  int1: int,
  int2: int,
  net: optional(networkRef),
})

/** One message with its length field. */
export function packMessage(fields: Header, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = encode(header, fields)
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(4 + head.length + body.length)
  return Buffer.concat([length, head, body])
}

/** Splits a message of the framer into header and body. Throws LIBVIRT_PROTOCOL. */
export function unpackMessage(message: Buffer): { header: Header; body: Buffer } {
  const reader = xdrReader(message, 4)
  const fields = header.read(reader)
  if (fields.version !== PROTOCOL_VERSION) throw malformed(`protocol version ${fields.version}`)
  return { header: fields, body: message.subarray(reader.offset) }
}

export function decodeError(body: Buffer): RemoteError {
  return decode(remoteError, body)
}
