import { CrossportError } from '../errors.ts'
import { TYPE } from '../openflow/header.ts'
import { afterReading } from '../run/after-reading.ts'
import type { Frame } from './frame.ts'
import { ANSWER_TIMEOUT, type Session } from './request.ts'

/** Several requests that belong together; their answers are awaited one by one, in the order in which they must come. */
export interface Conversation {
  /** The first of its transaction ids. */
  readonly xid: number
  /** OFPT_ERRORs that were not an awaited answer, in order of arrival. */
  readonly errors: readonly Frame[]
  /**
   * The answer to the request `xid`: of this type, or an error. Rejects with SWITCH_DOWN when the connection ends or the switch
   * does not answer, and with SWITCH_PROTOCOL when another message comes first; the connection is dropped then.
   */
  answer(xid: number, type: number): Promise<Frame>
  /** Unless `ok`, drops the connection and throws SWITCH_PROTOCOL. */
  require(ok: boolean, otherwise: string): void
  end(): void
}

export function converse({ connection, clock, drop }: Session, xids: number, what: string): Conversation {
  const errors: Frame[] = []
  const arrived: Frame[] = []
  let lost: CrossportError | undefined
  let wake = () => {}

  const transaction = connection.transact(xids, {
    message: frame => {
      arrived.push(frame)
      wake()
    },
    lost: error => {
      lost = error
      wake()
    },
  })

  const next = async (): Promise<Frame> => {
    if (arrived.length === 0 && lost === undefined) {
      let late = false
      await new Promise<void>(resolve => {
        const cancel = afterReading(clock, ANSWER_TIMEOUT, () => {
          late = true
          wake()
        })
        wake = () => {
          cancel()
          resolve()
        }
      })
      if (late) {
        drop(`no answer to ${what}`)
        throw new CrossportError('SWITCH_DOWN', `no answer to ${what}`)
      }
    }
    const frame = arrived.shift()
    if (frame === undefined) throw lost
    return frame
  }

  const require = (ok: boolean, otherwise: string) => {
    if (ok) return
    drop(otherwise)
    throw new CrossportError('SWITCH_PROTOCOL', otherwise)
  }

  return {
    xid: transaction.xid,
    require,
    errors,
    end: transaction.end,
    answer: async (xid, type) => {
      for (;;) {
        const frame = await next()
        const expected = frame.type === TYPE.ERROR || (frame.xid === xid && frame.type === type)
        require(expected, `message ${frame.type} came where an answer to ${what} was due`)
        if (frame.xid === xid) return frame
        errors.push(frame)
      }
    },
  }
}
