import { CrossportError } from '../errors.ts'
import { encodeBarrierRequest, encodeMeterMod, type Meter, TYPE } from '../openflow/messages.ts'
import { converse } from './conversation.ts'
import { refusalName } from './frame.ts'
import type { Session } from './request.ts'

/** Sees to it that the bridge has this meter, whether it had one of this number or not. Rejects with SWITCH_REJECTED. */
export async function setMeter(session: Session, meter: Meter): Promise<void> {
  const error = await send(session, 'add', meter)
  const refused = error === 'OFPMMFC_METER_EXISTS' ? await send(session, 'modify', meter) : error
  if (refused !== undefined) throw rejected(meter.id, refused)
}

/** Flows that use it go with it (ofproto.c, handle_delete_meter). */
export async function deleteMeter(session: Session, id: number): Promise<void> {
  const refused = await send(session, 'delete', { id, rate: 0, burst: 0 })
  if (refused !== undefined && refused !== 'OFPMMFC_UNKNOWN_METER') throw rejected(id, refused)
}

function rejected(id: number, reason: string): CrossportError {
  return new CrossportError('SWITCH_REJECTED', `the switch refused meter ${id}: ${reason}`, {
    fields: { OF_ERROR: reason },
  })
}

/** A METER_MOD has no answer: the barrier behind it brings the error, if there is one. */
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
