import { CrossportError } from '../errors.ts'
import { TYPE } from '../openflow/header.ts'
import { decodePacketIn, encodeBarrierRequest, encodePacketOut, encodeSetConfig } from '../openflow/messages.ts'
import { converse } from './conversation.ts'
import { type Frame, refusalName } from './frame.ts'
import type { Session } from './request.ts'
import type { PacketIn, PacketOut } from './types.ts'

/** A PACKET_OUT has no reply: its error, if any, arrives before the reply to the barrier. */
export async function sendPacket(session: Session, packet: PacketOut): Promise<void> {
  const conversation = converse(session, 2, 'a packet out')
  try {
    await session.connection.write(encodePacketOut(conversation.xid, packet))
    await session.connection.write(encodeBarrierRequest(conversation.xid + 1))
    await conversation.answer(conversation.xid + 1, TYPE.BARRIER_REPLY)
    const error = conversation.errors[0]
    if (error === undefined) return
    const name = refusalName(error)
    throw new CrossportError('SWITCH_REJECTED', `the switch refused a packet: ${name}`, { fields: { OF_ERROR: name } })
  } finally {
    conversation.end()
  }
}

/** Requests packets: a management connection gets none until it has set their length (ovs-vswitchd: miss_send_len 0). */
export function wantPackets({ connection }: Session): void {
  connection.write(encodeSetConfig(connection.take(), 0xffff))
}

export function toPacketIn(frame: Frame): PacketIn {
  const { inPort, cookie, table, match, data } = decodePacketIn(frame.bytes)
  return { inPort, cookie, table, match, data }
}
