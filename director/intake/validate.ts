import { isIPv4 } from 'node:net'
import { CrossportError } from '../../shared/errors.ts'
import type { HostRegistration__Output } from '../../shared/rpc/gen/crossport/v1/HostRegistration.ts'
import type { RealServer__Output } from '../../shared/rpc/gen/crossport/v1/RealServer.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'
import type { HostReport, ReadRealServers } from './types.ts'

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

/** What another host can send to: neither 0.0.0.0/8 nor loopback, nor a group. */
export function isHostAddress(ip: string): boolean {
  const [first = ''] = ip.split('.')
  return isIPv4(ip) && Number(first) < 224 && first !== '0' && first !== '127'
}

/**
 * Throws REGISTRATION_INVALID naming the field: a host that cannot be addressed is of no use.
 *
 * @param addressed - requests go to the host by its address (an overlay); without, one that has none yet says ''
 */
export function hostReport(
  message: HostRegistration__Output,
  addressed: boolean,
  realServers: (messages: readonly RealServer__Output[]) => ReadRealServers,
): HostReport {
  const { hostId, hostIp, version } = message
  const hostMac = message.hostMac.toLowerCase()
  const check = (ok: boolean, field: string, value: string) => {
    if (!ok)
      throw new CrossportError(
        'REGISTRATION_INVALID',
        `host "${hostId.slice(0, LIMITS.name)}": ${field} "${value.slice(0, LIMITS.name)}" is not valid`,
        {
          fields: { field },
        },
      )
  }
  check(hostId !== '' && hostId.length <= 253, 'host id', hostId)
  // A group address (lowest bit of the first byte) is nobody's.
  check(MAC.test(hostMac) && (Number.parseInt(hostMac.slice(0, 2), 16) & 1) === 0, 'host MAC', hostMac)
  check(addressed ? isHostAddress(hostIp) : hostIp === '' || isIPv4(hostIp), 'host IP', hostIp)
  check(message.bootId.length <= 64, 'boot id', message.bootId)
  check(message.runId.length <= 64, 'run id', message.runId)
  check(version.length <= LIMITS.name, 'version', version)
  const count = message.realServers.length
  if (count > LIMITS.realServers) throw tooMany(hostId, count)
  const { read, unread } = realServers(message.realServers)
  return {
    hostId,
    hostMac,
    hostIp,
    version,
    realServers: new Map(read.map(rs => [rs.id, rs])),
    ...(unread.size === 0 ? {} : { unread }),
  }
}

/** More real servers than a host may have. */
export function tooMany(hostId: string, count: number): CrossportError {
  const message = `host "${hostId}" has ${count} real servers, and ${LIMITS.realServers} are the most`
  return new CrossportError('REGISTRATION_LIMIT', message)
}
