import { CrossportError } from '../errors.ts'
import { readMultipart, TYPE, VERSION } from '../openflow/header.ts'
import { decodeError, decodeHello } from '../openflow/messages.ts'

/** One received message of which only the header is decoded. */
export interface Frame {
  readonly type: number
  readonly xid: number
  readonly bytes: Buffer
}

export function toFrame(bytes: Buffer): Frame {
  return { type: bytes[1]!, xid: bytes.readUInt32BE(4), bytes }
}

/** False only for a multipart reply that announces further parts. */
export function isLast(frame: Frame): boolean {
  return frame.type !== TYPE.MULTIPART_REPLY || !readMultipart(frame.bytes).more
}

/** Name of an OFPT_ERROR, as ovs-ofctl writes it: `OFPBAC_BAD_OUT_GROUP`. */
export function refusalName(frame: Frame): string {
  return decodeError(frame.bytes).name
}

/** What is wrong with the peer's first message; undefined when it is a HELLO that allows 1.5 (OpenFlow 1.5.1, 6.3.1). */
export function checkHello({ type, bytes }: Frame): CrossportError | undefined {
  const wrong = (what: string) =>
    new CrossportError('SWITCH_PROTOCOL', `the switch does not speak OpenFlow 1.5: ${what}`)
  if (type === TYPE.ERROR) return wrong('it refused our version')
  if (type !== TYPE.HELLO) return wrong(`it began with a message of type ${type}`)
  const versions = decodeHello(bytes)
  return versions.includes(VERSION) ? undefined : wrong(`it offers version numbers ${versions.join(', ')}`)
}
