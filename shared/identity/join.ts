import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { connect } from 'node:tls'
import type { ServiceError } from '@grpc/grpc-js'
import { CrossportError, messageOf } from '../errors.ts'
import { keyPem, makeRequest, newKeys } from '../pki/certificates.ts'
import type { Role } from '../pki/names.ts'
import { fingerprintOf, type JoinToken } from '../pki/token.ts'
import { joiningClient } from '../rpc/client.ts'
import type { IssuedCertificate__Output } from '../rpc/gen/crossport/v1/IssuedCertificate.ts'
import type { JoinRequest } from '../rpc/gen/crossport/v1/JoinRequest.ts'
import { pkiFiles } from './files.ts'
import { namesIn } from './own.ts'

export const JOIN_PORT = 7474

const DEADLINE_MS = 10_000

export interface JoinOptions {
  /** The director that issues certificates: its address, and its port for joining. */
  readonly director: { readonly host: string; readonly port: number }
  readonly token: JoinToken
  readonly role: Role
  /** Host id or director id. */
  readonly name: string
  /** The file that this machine has, or is to have, the CA's certificate in: it is of one fleet. */
  readonly caFile: string
}

/** What one who has joined needs; nothing of it has been written yet. */
export interface Joined {
  /** The fleet's CA certificate, PEM. */
  readonly ca: string
  /** Private key and certificate, PEM. The key was made here, and nobody else has seen it. */
  readonly pair: string
  /** The director's port for agents. */
  readonly port: number
}

/** `host`, `host:port` or `[IPv6 address]:port`; undefined: none of these. */
export function parseDirector(text: string): JoinOptions['director'] | undefined {
  const [, bracketed, plain, port = JOIN_PORT] =
    /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  return host === undefined || Number(port) > 65535 ? undefined : { host, port: Number(port) }
}

/** `host:port`, or `[IPv6 address]:port`. */
export const addressOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/**
 * Gets a certificate for a token. The secret is sent only to one who has a director's certificate of the CA that the token names.
 *
 * @throws JOIN_REFUSED - by the director, or by us because it is not who the token says
 */
export async function joinFleet({ director, token, role, name, caFile }: JoinOptions): Promise<Joined> {
  const { host, port } = director
  const at = addressOf(host, port)
  const ca = await authorityAt(host, port, at, token.fingerprint)
  checkFleet(caFile, role, ca)
  const keys = await newKeys()
  const request = await makeRequest(keys)
  const answer = await ask(at, ca, { secret: token.secret, role, name, request })
  const issued = new X509Certificate(answer.certificate)
  const { role: stated } = namesIn(issued)
  if (stated?.role !== role || stated.name !== name || !issued.verify(new X509Certificate(ca).publicKey))
    throw refused(`${at} has issued a certificate for somebody else`)
  return { ca, pair: keyPem(keys.privateKey) + answer.certificate, port: answer.port }
}

function checkFleet(file: string, role: Role, ca: string): void {
  if (!existsSync(file) || readFileSync(file, 'utf8').trim() === ca.trim()) return
  const dir = dirname(file)
  const mend = existsSync(join(dir, 'ca.key'))
    ? `it is that of this machine's director: give the ${role} a directory of its own (pki in its configuration)`
    : `remove ${file} and ${pkiFiles(dir, role).cert} to leave that`
  throw refused(`${file} is the CA of another fleet: ${mend}. Nothing was sent`)
}

/** The CA certificate (PEM) with that fingerprint, which whoever answers there has shown. Nothing is sent. */
async function authorityAt(host: string, port: number, at: string, fingerprint: string): Promise<string> {
  for (const certificate of await chainAt(host, port, at)) {
    if (fingerprintOf(certificate.raw) === fingerprint) return certificate.toString()
  }
  throw refused(
    `whoever answers at ${at} is not of the fleet that the token is for: its CA has another fingerprint. Nothing was sent`,
  )
}

function chainAt(host: string, port: number, at: string): Promise<readonly X509Certificate[]> {
  return new Promise((resolve, reject) => {
    // Who it is shows the fingerprint, and then the handshake of the connection that the secret is sent on.
    const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'] })
    const failed = (reason: string) => {
      socket.destroy()
      reject(refused(`cannot reach a director's port for joining at ${at}: ${reason}`))
    }
    socket.setTimeout(DEADLINE_MS, () => failed(`no answer within ${DEADLINE_MS / 1000} s`))
    socket.once('error', error => failed(error.message))
    socket.once('secureConnect', () => {
      const chain: X509Certificate[] = []
      for (let one = socket.getPeerX509Certificate(); one && chain.length < 5; one = one.issuerCertificate)
        chain.push(one)
      socket.destroy()
      resolve(chain)
    })
  })
}

function ask(at: string, ca: string, request: JoinRequest): Promise<IssuedCertificate__Output> {
  const client = joiningClient(at, ca)
  return new Promise<IssuedCertificate__Output>((resolve, reject) => {
    client.Join(request, { deadline: Date.now() + DEADLINE_MS }, (error, answer) => {
      if (error !== null)
        reject(refused(`director ${at}: ${(error as Partial<ServiceError>).details ?? messageOf(error)}`))
      else resolve(answer!)
    })
  }).finally(() => client.close())
}

const refused = (message: string) => new CrossportError('JOIN_REFUSED', message)
