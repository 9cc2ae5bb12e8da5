import { CrossportError } from '../errors.ts'
import { TYPE } from '../openflow/header.ts'
import { afterReading } from '../run/after-reading.ts'
import type { Clock } from '../run/clock.ts'
import type { OpenFlowConnection } from './connection.ts'
import { type Frame, isLast, refusalName } from './frame.ts'

/** Longest time for an answer; the connection is dropped after it. */
export const ANSWER_TIMEOUT = 10_000

/** A connection together with the clock and a function that drops it. */
export interface Session {
  readonly connection: OpenFlowConnection
  readonly clock: Clock
  drop(reason: string): void
}

/**
 * Sends one request, and resolves with all parts of its reply. Rejects with SWITCH_REJECTED when the switch answers with an
 * error, and with SWITCH_DOWN when the connection ends or nothing arrives for ANSWER_TIMEOUT.
 */
export async function request(
  session: Session,
  what: string,
  encode: (xid: number) => Uint8Array,
): Promise<readonly Frame[]> {
  const parts: Frame[] = []
  await eachPart(session, what, encode, part => parts.push(part))
  return parts
}

/** Does the same, and passes on each part as it arrives. Rejects also with an error that `take` throws. */
export function eachPart(
  session: Session,
  what: string,
  encode: (xid: number) => Uint8Array,
  take: (part: Frame) => void,
): Promise<void> {
  const { connection, clock } = session
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      cancel()
      transaction.end()
      act()
    }
    const late = () => {
      finish(() => reject(new CrossportError('SWITCH_DOWN', `no answer to ${what}`)))
      session.drop(`no answer to ${what}`)
    }
    const transaction = connection.transact(1, {
      message: frame => {
        if (frame.type === TYPE.ERROR) return finish(() => reject(refusal(what, frame)))
        try {
          take(frame)
        } catch (error) {
          return finish(() => reject(error))
        }
        cancel()
        if (isLast(frame)) finish(resolve)
        else cancel = afterReading(clock, ANSWER_TIMEOUT, late)
      },
      lost: error => finish(() => reject(error)),
    })
    let cancel = afterReading(clock, ANSWER_TIMEOUT, late)
    connection.write(encode(transaction.xid))
  })
}

function refusal(what: string, frame: Frame): CrossportError {
  const name = refusalName(frame)
  return new CrossportError('SWITCH_REJECTED', `the switch refused ${what}: ${name}`, { fields: { OF_ERROR: name } })
}
