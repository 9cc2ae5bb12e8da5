import { setImmediate } from 'node:timers/promises'
import { CrossportError } from '../errors.ts'
import type { Owner } from '../flows/cookie.ts'
import { changeSize } from '../flows/diff.ts'
import type { Change } from '../flows/types.ts'
import { decodeBundleControl, encodeBundleControl } from '../openflow/bundle.ts'
import { TYPE } from '../openflow/header.ts'
import { encodeBarrierRequest } from '../openflow/messages.ts'
import { createWriter, raw, written } from '../openflow/writer.ts'
import { type BundleItem, bundleItems, describeItem, writeItem } from './bundle.ts'
import type { OpenFlowConnection } from './connection.ts'
import { type Conversation, converse } from './conversation.ts'
import { type Frame, refusalName } from './frame.ts'
import type { Session } from './request.ts'

/** Bytes per write: enough for few writes, and few enough that other work runs in between. */
const CHUNK = 64 * 1024

/**
 * Makes one change in one atomic bundle:
 *
 * 1. Send OPEN, one ADD per message, and BARRIER. Open vSwitch parses a message at its ADD and leaves a bad one out of the
 * bundle, so a COMMIT could make half a change. All such errors arrive before the barrier's reply, which is awaited.
 * 2. After any error, send DISCARD and throw SWITCH_REJECTED.
 * 3. Send COMMIT. An error (of the message at fault, then OFPBFC_MSG_FAILED) means that everything was rolled back.
 * 4. After the commit's reply, send BARRIER: the flows are in force when its reply arrives.
 *
 * `bundle` must not be in use on this connection. Errors: see Switch.commit.
 */
export async function commitChange(session: Session, owner: Owner, bundle: number, change: Change): Promise<void> {
  const size = changeSize(change)
  if (size === 0) return
  const conversation = converse(session, size + 4, `a bundle of ${size} messages`)
  try {
    await exchange(session.connection, conversation, bundle, owner, change)
  } finally {
    conversation.end()
  }
}

async function exchange(
  connection: OpenFlowConnection,
  conversation: Conversation,
  bundle: number,
  owner: Owner,
  change: Change,
): Promise<void> {
  const { xid, errors } = conversation
  // In this order: open, the items, barrier, commit or discard, barrier.
  const open = xid
  const parsed = open + changeSize(change) + 1
  const end = parsed + 1
  const done = end + 1
  try {
    await writeItems(connection, bundle, open, owner, change)
  } catch (error) {
    await connection.write(encodeBundleControl(end, bundle, 'discard'))
    throw error
  }
  await connection.write(encodeBarrierRequest(parsed))
  const opened = await conversation.answer(open, TYPE.BUNDLE_CONTROL)
  await conversation.answer(parsed, TYPE.BARRIER_REPLY)
  if (errors.length > 0 || opened.type === TYPE.ERROR) {
    await connection.write(encodeBundleControl(end, bundle, 'discard'))
    await conversation.answer(end, TYPE.BUNDLE_CONTROL)
    throw rejection([...errors, opened], xid, change)
  }
  await connection.write(encodeBundleControl(end, bundle, 'commit'))
  const committed = await conversation.answer(end, TYPE.BUNDLE_CONTROL)
  if (errors.length > 0 || committed.type === TYPE.ERROR) throw rejection([...errors, committed], xid, change)
  conversation.require(confirmsCommit(committed), 'the commit was answered with something else')
  await connection.write(encodeBarrierRequest(done))
  await conversation.answer(done, TYPE.BARRIER_REPLY)
}

/**
 * Writes OPEN as `xid` and the items as `xid + 1` and on, in chunks, as fast as the switch reads. Other work never waits for
 * longer than one chunk.
 */
async function writeItems(
  connection: OpenFlowConnection,
  bundle: number,
  xid: number,
  owner: Owner,
  change: Change,
): Promise<void> {
  let w = createWriter(Math.min(CHUNK * 2, 256 + changeSize(change) * 256))
  raw(w, encodeBundleControl(xid, bundle, 'open'))
  let next = xid
  for (const item of bundleItems(change)) {
    try {
      writeItem(w, ++next, bundle, owner, item)
    } catch (cause) {
      if (cause instanceof CrossportError && cause.code === 'FLOW_NOT_OURS') throw cause
      // A value that does not fit its field is treated as a refusal.
      throw refusal(item, (cause as Error).message, cause)
    }
    if (w.at < CHUNK) continue
    await connection.write(written(w))
    await setImmediate()
    w = createWriter(CHUNK * 2)
  }
  await connection.write(written(w))
}

function confirmsCommit({ bytes }: Frame): boolean {
  return decodeBundleControl(bytes).answers === 'commit'
}

/** Names the first message at fault; an error of the whole bundle names none. */
function rejection(errors: readonly Frame[], xid: number, change: Change): CrossportError {
  const size = changeSize(change)
  const refusals = errors.filter(frame => frame.type === TYPE.ERROR)
  const guilty = refusals.find(frame => frame.xid > xid && frame.xid <= xid + size)
  const item =
    guilty &&
    bundleItems(change)
      .drop(guilty.xid - xid - 1)
      .next().value
  return refusal(item, refusalName(guilty ?? refusals[0]!))
}

function refusal(item: BundleItem | undefined, reason: string, cause?: unknown): CrossportError {
  const { what, fields } = item === undefined ? { what: 'the bundle', fields: {} } : describeItem(item)
  return new CrossportError('SWITCH_REJECTED', `the switch refused ${what}: ${reason}`, {
    fields: { ...fields, OF_ERROR: reason },
    cause,
  })
}
