import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { DirectorMessage } from '../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'

type Messages = readonly DirectorMessage[]

/** What one agent is told. While it does not read, nothing is written, and only the newest is kept for it. */
export interface Outbox {
  /** All that is offered. */
  greet(all: Messages): void
  /** What has changed; an agent that has not been told all of what was before is told all anew. */
  tell(changes: Messages, all: Messages): void
  heartbeat(sequence: number): void
  /** Since when the agent does not read, by `now`; undefined: it does. */
  readonly stuckSince: number | undefined
}

export function createOutbox(
  call: Pick<ServerDuplexStream<unknown, DirectorMessage>, 'write' | 'on'>,
  now: () => number,
): Outbox {
  let offers: DirectorMessage[] = []
  let beat: number | undefined
  let stuckSince: number | undefined

  const next = (): DirectorMessage | undefined => {
    const offer = offers.shift()
    if (offer !== undefined || beat === undefined) return offer
    const heartbeat = { sequence: beat }
    beat = undefined
    return { heartbeat }
  }
  const pump = () => {
    while (stuckSince === undefined) {
      const message = next()
      if (message === undefined) return
      if (!call.write(message)) stuckSince = now()
    }
  }
  call.on('drain', () => {
    stuckSince = undefined
    pump()
  })
  const send = (messages: Messages) => {
    offers = [...messages]
    pump()
  }
  return {
    greet: send,
    tell: (changes, all) => send(offers.length === 0 ? changes : all),
    heartbeat: sequence => {
      beat = sequence
      pump()
    },
    get stuckSince() {
      return stuckSince
    },
  }
}
