import { existsSync, readFileSync, statSync } from 'node:fs'
import { editConfig } from '../../shared/config/edit.ts'
import { CrossportError } from '../../shared/errors.ts'
import { checkWritable, pkiFiles, writeWhole } from '../../shared/identity/files.ts'
import { addressOf, joinFleet, parseDirector } from '../../shared/identity/join.ts'
import { parseToken } from '../../shared/pki/token.ts'
import type { CommandConfig } from '../config.ts'
import { canIssue } from '../pki/issuer.ts'

/**
 * `crossport-director join`: gets a further director its certificate, and names the one that renews it in its configuration.
 *
 * @throws JOIN_REFUSED, JOIN_UNWRITABLE, CONFIG_INVALID
 */
export async function join(
  { id, pki, tls }: CommandConfig,
  file: string,
  where: string,
  text: string,
): Promise<readonly string[]> {
  const director = parseDirector(where)
  if (director === undefined) throw refused(`'${where}' is no director: name it as host or host:port`)
  const token = parseToken(text)
  if (token === undefined) throw refused('this is no join token: `crossport-director token` prints one')
  if (tls !== undefined) throw refused(`${file} names files of another PKI under tls: take tls out first`)
  if (canIssue(pki)) throw refused(`${pki} has a CA of its own: this director is of another fleet`)
  const files = pkiFiles(pki, 'director')
  checkWritable(files.ca, files.cert, file)
  const joined = await joinFleet({ director, token, role: 'director', name: id, caFile: files.ca })
  const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const authority = addressOf(director.host, joined.port)
  const next = editConfig(before, file, document => document.set('authority', authority))
  writeWhole(files.ca, joined.ca, 0o644)
  writeWhole(files.cert, joined.pair, 0o600)
  writeWhole(file, next, existsSync(file) ? statSync(file).mode & 0o777 : 0o644)
  return [
    `director ${id} has joined: its certificate is in ${files.cert}`,
    `${authority} renews it (authority in ${file})`,
    'next: systemctl restart crossport-director, and add it to director in agent.yaml of the hosts',
  ]
}

const refused = (message: string) => new CrossportError('JOIN_REFUSED', message)
