import { CrossportError } from '../errors.ts'
import { TYPE } from '../openflow/header.ts'
import { afterReading } from '../run/after-reading.ts'
import type { Clock } from '../run/clock.ts'
import type { OpenFlowConnection } from './connection.ts'
import { type Frame, isLast, refusalName } from './frame.ts'

/** How long a switch may take to answer; after that the connection is given up as broken. */
export const ANSWER_TIMEOUT = 10_000

/** A connection as the rooms above it use it: with the clock, and a way to give it up. */
export interface Session {
  readonly connection: OpenFlowConnection
  readonly clock: Clock
  drop(reason: string): void
}

/**
 * Sends one request, and resolves with its reply: all parts of it, where it is a multipart one. Rejects with
 * SWITCH_REJECTED when the switch answers with an error, with SWITCH_DOWN when the connection ends or nothing comes for
 * ANSWER_TIMEOUT.
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

/** The same, each part handed over as it arrives; rejects with what `take` throws, too. */
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
