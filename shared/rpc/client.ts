import type * as grpc from '@grpc/grpc-js'
import type { ControlClient } from './gen/crossport/v1/Control.ts'
import type { JoiningClient } from './gen/crossport/v1/Joining.ts'
import type { RegistrationClient } from './gen/crossport/v1/Registration.ts'
import type { RenewalClient } from './gen/crossport/v1/Renewal.ts'
import { loadProto } from './load.ts'
import { dialling, diallingToJoin, type TlsFiles } from './tls.ts'

/** A peer that is gone is noticed by HTTP/2 pings (ms), also when its host has lost power. */
const KEEPALIVE: grpc.ChannelOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
}

/**
 * A client of the director's Registration service. `address` is `host:port` or `unix:/path`.
 * gRPC's own reconnecting is as fast as the caller's, who decides when to try again.
 */
export function registrationClient(address: string, tls?: TlsFiles): RegistrationClient {
  const { credentials, options } = dialling(address, tls)
  return new (loadProto().registration)(address, credentials, {
    ...KEEPALIVE,
    ...options,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    // A channel of its own, so that closing it closes the connection.
    'grpc.use_local_subchannel_pool': 1,
  })
}

/** A client of the director's Renewal service, at the address that agents dial. */
export function renewalClient(address: string, tls: TlsFiles): RenewalClient {
  const { credentials, options } = dialling(address, tls)
  return new (loadProto().renewal)(address, credentials, { ...options, 'grpc.use_local_subchannel_pool': 1 })
}

/**
 * A client of a director's Joining service, for one who has no certificate yet.
 *
 * @param ca - the fleet's CA certificate (PEM): the director must have a certificate of it
 */
export function joiningClient(address: string, ca: string): JoiningClient {
  const { credentials, options } = diallingToJoin(address, ca)
  return new (loadProto().joining)(address, credentials, { ...options, 'grpc.use_local_subchannel_pool': 1 })
}

/** A client of a daemon's control socket, e.g. /run/crossport/agent.sock. */
export function controlClient(socket: string): ControlClient {
  return new (loadProto().control)(`unix:${socket}`, dialling(socket).credentials, {
    'grpc.use_local_subchannel_pool': 1,
  })
}
