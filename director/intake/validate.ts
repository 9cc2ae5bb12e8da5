import { isIPv4 } from 'node:net'
import { CrossportError } from '../../shared/errors.ts'
import type { HostDelta__Output } from '../../shared/rpc/gen/crossport/v1/HostDelta.ts'
import type { HostRegistration__Output } from '../../shared/rpc/gen/crossport/v1/HostRegistration.ts'
import type { RealServer__Output } from '../../shared/rpc/gen/crossport/v1/RealServer.ts'
import type { RefusedDocuments__Output } from '../../shared/rpc/gen/crossport/v1/RefusedDocuments.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'
import { fromProto, type RealServerReport } from '../../shared/rpc/real-server.ts'
import { isPlain, shown } from '../../shared/rpc/text.ts'
import type { HostDelta, HostReport } from './types.ts'

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

/** What another host can send to: neither 0.0.0.0/8 nor loopback, nor a group. */
export function isHostAddress(ip: string): boolean {
  const [first = ''] = ip.split('.')
  return isIPv4(ip) && Number(first) < 224 && first !== '0' && first !== '127'
}

/**
 * Throws REGISTRATION_INVALID naming the field: a host that cannot be addressed is of no use, and of a message that is wrong in
 * one place nothing is taken.
 *
 * @param addressed - requests go to the host by its address (an overlay); without, one that has none yet says ''
 */
export function hostReport(message: HostRegistration__Output, addressed: boolean): HostReport {
  const { hostId, hostIp, version } = message
  const hostMac = message.hostMac.toLowerCase()
  const check = (ok: boolean, field: string, value: string) => {
    if (!ok) throw invalid(hostId, `${field} "${shown(value)}" is not valid`, field)
  }
  check(hostId !== '' && hostId.length <= 253 && isPlain(hostId), 'host id', hostId)
  // A group address (lowest bit of the first byte) is nobody's.
  check(MAC.test(hostMac) && (Number.parseInt(hostMac.slice(0, 2), 16) & 1) === 0, 'host MAC', hostMac)
  check(addressed ? isHostAddress(hostIp) : hostIp === '' || isIPv4(hostIp), 'host IP', hostIp)
  check(message.bootId.length <= 64 && isPlain(message.bootId), 'boot id', message.bootId)
  check(message.runId.length <= 64 && isPlain(message.runId), 'run id', message.runId)
  check(version.length <= LIMITS.name && isPlain(version), 'version', version)
  const count = message.realServers.length
  if (count > LIMITS.realServers) throw tooMany(hostId, count)
  const refusedDocuments = readRefused(hostId, message.refused)
  return {
    hostId,
    hostMac,
    hostIp,
    version,
    realServers: readRealServers(hostId, message.realServers),
    ...(refusedDocuments === undefined ? {} : { refusedDocuments }),
  }
}

/** Throws REGISTRATION_INVALID naming the field. */
export function hostDelta(hostId: string, { upserted, removedIds, refused }: HostDelta__Output): HostDelta {
  for (const id of removedIds)
    if (id === '' || id.length > LIMITS.name)
      throw invalid(hostId, `removed id "${shown(id)}" is not valid`, 'removedIds')
  const refusedDocuments = readRefused(hostId, refused)
  return {
    upserted: [...readRealServers(hostId, upserted).values()],
    removedIds,
    ...(refusedDocuments === undefined ? {} : { refusedDocuments }),
  }
}

/** A path, and its line. */
const MOST_PLACE = 4200

function readRefused(hostId: string, message: RefusedDocuments__Output | null): HostReport['refusedDocuments'] {
  if (message === null) return undefined
  const { documents } = message
  if (documents.length > LIMITS.refused)
    throw invalid(hostId, `${documents.length} refused documents are too many`, 'refused')
  return documents.map(({ service, file, line, code, reason }) => {
    const place = `${file}:${line}`
    const texts = { service, place, code, reason }
    for (const [field, text] of Object.entries(texts)) {
      const most = field === 'place' ? MOST_PLACE : field === 'reason' ? LIMITS.reason : LIMITS.name
      if (text.length > most || !isPlain(text))
        throw invalid(hostId, `refused document: ${field} "${shown(text)}" is not valid`, 'refused')
    }
    return texts
  })
}

function readRealServers(
  hostId: string,
  messages: readonly RealServer__Output[],
): ReadonlyMap<string, RealServerReport> {
  const read = new Map<string, RealServerReport>()
  for (const message of messages) {
    const rs = readRealServer(hostId, message)
    if (read.has(rs.id)) throw invalid(hostId, `real server "${rs.id}" is there twice`, 'id')
    read.set(rs.id, rs)
  }
  return read
}

function readRealServer(hostId: string, message: RealServer__Output): RealServerReport {
  try {
    return fromProto(message)
  } catch (error) {
    const { message: why, fields } = error as CrossportError
    throw invalid(hostId, why, String(fields.field))
  }
}

function invalid(hostId: string, what: string, field: string): CrossportError {
  const message = `host "${shown(hostId)}": ${what}; nothing of this message is taken, and what was in force before stays for its lease`
  return new CrossportError('REGISTRATION_INVALID', message, { fields: { host: shown(hostId), field } })
}

/** More real servers than a host may have. */
export function tooMany(hostId: string, count: number): CrossportError {
  const message = `host "${hostId}" has ${count} real servers, and ${LIMITS.realServers} are the most`
  return new CrossportError('REGISTRATION_LIMIT', message, { fields: { host: hostId } })
}
