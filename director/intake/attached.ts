import type * as grpc from '@grpc/grpc-js'
import type { AgentMessage__Output } from '../../shared/rpc/gen/crossport/v1/AgentMessage.ts'
import type { DirectorMessage } from '../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { type Caller, type Register, whoIs } from '../authority/who.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import type { Waited } from './patience.ts'
import type { Speaker } from './rivals.ts'

export type Call = grpc.ServerDuplexStream<AgentMessage__Output, DirectorMessage>

/** An agent's stream. */
export interface Attached extends Waited {
  readonly caller: Caller
  /** As gRPC names it. */
  readonly connection: string
  readonly outbox: Outbox
  /** Undefined: it has not registered yet. */
  speaker: Speaker | undefined
  documentChanges: boolean
}

/**
 * A stream that has just begun.
 *
 * @param connection - as gRPC names it
 * @param address - where it comes from, without the port
 * @throws IDENTITY_REFUSED
 */
export function attachedBy(
  call: Call,
  { connection, address }: { readonly connection: string; readonly address: string },
  register: Register,
  clock: Clock,
): Attached {
  const certificate = call.getAuthContext().sslPeerCertificate
  return {
    caller: whoIs(certificate, address, register),
    connection,
    outbox: createOutbox(call, clock.now),
    speaker: undefined,
    documentChanges: false,
    askedAt: undefined,
    heardAt: undefined,
    endsAt: certificate && clock.now() + Date.parse(certificate.valid_to) - clock.wall().getTime(),
  }
}
