import { CrossportError } from '../errors.ts'
import { encodeBarrierRequest, encodeMeterMod, type Meter, TYPE } from '../openflow/messages.ts'
import { converse } from './conversation.ts'
import { refusalName } from './frame.ts'
import type { Session } from './request.ts'

/** Adds the meter to the bridge, or changes the one with this number. Rejects with SWITCH_REJECTED. */
export async function setMeter(session: Session, meter: Meter): Promise<void> {
  const error = await send(session, 'add', meter)
  const refused = error === 'OFPMMFC_METER_EXISTS' ? await send(session, 'modify', meter) : error
  if (refused !== undefined) throw rejected(meter.id, refused)
}

/** Also deletes the flows that use the meter (ofproto.c, handle_delete_meter). */
export async function deleteMeter(session: Session, id: number): Promise<void> {
  const refused = await send(session, 'delete', { id, rate: 0, burst: 0 })
  if (refused !== undefined && refused !== 'OFPMMFC_UNKNOWN_METER') throw rejected(id, refused)
}

function rejected(id: number, reason: string): CrossportError {
  return new CrossportError('SWITCH_REJECTED', `the switch refused meter ${id}: ${reason}`, {
    fields: { OF_ERROR: reason },
  })
}

/** A METER_MOD has no reply: its error, if any, arrives before the reply to the barrier. */
async function send(session: Session, command: 'add' | 'modify' | 'delete', meter: Meter): Promise<string | undefined> {
  const conversation = converse(session, 2, 'a meter')
  try {
    await session.connection.write(encodeMeterMod(conversation.xid, command, meter))
    await session.connection.write(encodeBarrierRequest(conversation.xid + 1))
    await conversation.answer(conversation.xid + 1, TYPE.BARRIER_REPLY)
    const error = conversation.errors[0]
    return error === undefined ? undefined : refusalName(error)
  } finally {
    conversation.end()
  }
}
