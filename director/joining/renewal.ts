import type { PeerCertificate } from 'node:tls'
import type * as grpc from '@grpc/grpc-js'
import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { type FleetName, identityOf } from '../../shared/pki/names.ts'
import type { IssuedCertificate } from '../../shared/rpc/gen/crossport/v1/IssuedCertificate.ts'
import type { RenewRequest__Output } from '../../shared/rpc/gen/crossport/v1/RenewRequest.ts'
import type { Proto } from '../../shared/rpc/load.ts'
import { type Register, whoIs } from '../authority/who.ts'
import type { Issued } from '../pki/book.ts'
import type { Desk } from './issue.ts'
import { answer, MOST_BYTES } from './listener.ts'

type Call = grpc.ServerUnaryCall<RenewRequest__Output, IssuedCertificate>

/**
 * Adds the Renewal service to the server that agents dial in at: who has shown a certificate of the fleet gets a new one for the
 * same name.
 *
 * @param desk - undefined: this director has no CA key
 */
export function addRenewal(
  server: grpc.Server,
  proto: Proto,
  desk: Desk | undefined,
  register: Register,
  log: Log,
): void {
  const renewed = async (call: Call) => {
    if (desk === undefined)
      throw new CrossportError('JOIN_REFUSED', 'this director has no CA key: another one renews the certificates')
    const { request } = call.request
    if (request.length > MOST_BYTES) throw new CrossportError('JOIN_REFUSED', 'the request is too large')
    const { role, name, certificate: shown } = holder(call, register)
    try {
      const certificate = await desk.renew({ role, name }, request, issuedAs(shown), () => holder(call, register))
      log.info('a certificate is renewed', { host: name, role })
      return { certificate }
    } catch (err) {
      if (err instanceof CrossportError && err.code === 'KEY_TWICE')
        log.error(`the key of ${role} ${name} is in use twice`, { host: name, peer: call.getPeer(), err })
      throw err
    }
  }
  server.addService(proto.renewal.service, {
    Renew: (call: Call, reply: grpc.sendUnaryData<IssuedCertificate>) => answer(renewed(call), reply),
  })
}

/** Throws IDENTITY_REFUSED. */
function holder(call: Call, register: Register): FleetName & { readonly certificate: PeerCertificate } {
  const certificate = call.getAuthContext().sslPeerCertificate
  const role = certificate && identityOf(certificate).role
  if (certificate === undefined || role === undefined || role.fleet !== register.own?.fleet)
    throw new CrossportError('IDENTITY_REFUSED', 'only a certificate of this fleet is renewed')
  if (role.role === 'host') whoIs(certificate, call.getPeer(), register)
  return { ...role, certificate }
}

const issuedAs = ({ serialNumber, valid_from, valid_to }: PeerCertificate): Issued => ({
  serial: serialNumber,
  notBefore: Date.parse(valid_from),
  notAfter: Date.parse(valid_to),
})
