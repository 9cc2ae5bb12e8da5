import { existsSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import type { z } from 'zod'
import { parseDaemonConfig } from '../../shared/config/daemon.ts'
import { addToList, editConfig } from '../../shared/config/edit.ts'
import { CrossportError } from '../../shared/errors.ts'
import { checkWritable, pkiFiles, writeWhole } from '../../shared/identity/files.ts'
import { joinFleet, parseDirector } from '../../shared/identity/join.ts'
import { namesIn } from '../../shared/identity/own.ts'
import { parseToken } from '../../shared/pki/token.ts'
import { parse } from '../../shared/rpc/tls.ts'
import { DIRECTOR_PORT, joinConfigSchema } from '../config/schema.ts'

export interface JoinArguments {
  readonly director: string
  readonly token: string
  readonly hostId: string | undefined
  /** The agent's configuration file. */
  readonly config: string
}

/**
 * `crossport-agent join`: gets this host a certificate, and adds the director to its configuration. Nothing is written before the
 * director has said yes.
 *
 * @returns what there is to tell, line by line
 * @throws JOIN_REFUSED, JOIN_UNWRITABLE, CONFIG_INVALID
 */
export async function join(args: JoinArguments): Promise<readonly string[]> {
  const { config: file } = args
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const config = parseDaemonConfig(joinConfigSchema, text, file)
  const director = parseDirector(args.director)
  if (director === undefined) throw refused(`'${args.director}' is no director: name it as host or host:port`)
  if (director.host.includes(':'))
    throw refused(`agents dial directors by IPv4 address or host name: name ${director.host} by its host name`)
  const token = parseToken(args.token)
  if (token === undefined) throw refused('this is no join token: `crossport-director token` prints one')
  if (config.tls !== undefined)
    throw refused(`${file} names files of another PKI under tls, and they would be used: take tls out first`)
  const hostId = args.hostId ?? config.hostId ?? hostname()
  const files = pkiFiles(config.pki, 'host')
  checkName(files.cert, hostId)
  checkWritable(files.ca, files.cert, file)
  const joined = await joinFleet({ director, token, role: 'host', name: hostId, caFile: files.ca })
  const address = joined.port === DIRECTOR_PORT ? director.host : `${director.host}:${joined.port}`
  const next = withDirector(text, file, address, args.hostId)
  writeWhole(files.ca, joined.ca, 0o644)
  writeWhole(files.cert, joined.pair, 0o600)
  if (next !== text) writeWhole(file, next, existsSync(file) ? statSync(file).mode & 0o777 : 0o644)
  return [
    `host ${hostId} has joined: its certificate is in ${files.cert}`,
    `director ${address} is in ${file}`,
    nextStep(config, file),
  ]
}

/** A machine that has joined keeps its name: its certificate is not replaced by one for another. */
function checkName(file: string, hostId: string): void {
  if (!existsSync(file)) return
  const [name] = namesIn(parse(file)).names
  if (name !== hostId) throw refused(`this machine has joined as ${name}: remove ${file} to let it join as ${hostId}`)
}

function withDirector(text: string, file: string, address: string, hostId: string | undefined): string {
  const withPort = (one: string) => (/:\d+$/.test(one) ? one : `${one}:${DIRECTOR_PORT}`)
  return editConfig(text, file, document => {
    addToList(document, 'director', address, there => withPort(there) === withPort(address))
    if (hostId !== undefined) document.set('hostId', hostId)
  })
}

function nextStep({ bridge, uplink }: z.output<typeof joinConfigSchema>, file: string): string {
  const start = 'systemctl enable crossport-agent && systemctl restart crossport-agent'
  const missing = Object.entries({ bridge, uplink }).flatMap(([key, value]) => (value === undefined ? [key] : []))
  return missing.length === 0 ? `next: ${start}` : `next: set ${missing.join(' and ')} in ${file}, then: ${start}`
}

const refused = (message: string) => new CrossportError('JOIN_REFUSED', message)
