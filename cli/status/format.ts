import type { Acceptance__Output } from '../../shared/rpc/gen/crossport/v1/Acceptance.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { table } from './table.ts'

const NOTE = 'note'

/** True when all that was asked for is in force: the daemon has found nothing that speaks against it, but notes. */
export function inForce(status: Status__Output): boolean {
  return status.problems.every(({ severity }) => severity === NOTE)
}

/** One daemon's status for a person: the daemon, its services, its hosts, and last what is not in force. */
export function formatStatus(status: Status__Output, { timeline = false }: { timeline?: boolean } = {}): string {
  const parts = [head(status), services(status), hosts(status), timeline ? times(status) : '', problems(status)]
  return parts.filter(part => part !== '').join('\n')
}

function head(status: Status__Output): string {
  const { role, id, version, startedAt } = status
  const lines = [`${role} ${id}, crossport ${version}, since ${startedAt}`]
  const bridge = status.switch
  if (bridge) {
    const commit = bridge.lastCommitAt === '' ? 'nothing committed yet' : `last commit ${bridge.lastCommitAt}`
    lines.push(`bridge ${bridge.bridge}: ${bridge.installedFlows} of ${bridge.desiredFlows} flows installed, ${commit}`)
    if (bridge.lastError !== '') lines.push(`bridge ${bridge.bridge}: ${bridge.lastError}`)
  }
  for (const { name, state, detail, since } of byKey(status.inputs, ({ name }) => name)) {
    lines.push(`${name}: ${state}${detail === '' ? '' : ` (${detail})`}${since === '' ? '' : ` since ${since}`}`)
  }
  return `${lines.join('\n')}\n`
}

function services(status: Status__Output): string {
  if (status.services.length === 0) return 'no services\n'
  const sorted = byKey(status.services, ({ service }) => service)
  // Only a director knows.
  const known = sorted.some(({ realServers }) => realServers.some(({ acceptance }) => acceptance))
  const only = (cell: string) => (known ? [cell] : [])
  const rows = sorted.flatMap(({ service, vip, port, protocol, scheduler, source, realServers }) => {
    const front = [service, `${vip}:${port}/${protocol}`, scheduler, source]
    if (realServers.length === 0) return [[...front, 'none', '', '', '', '', ...only(''), 'no VM matches']]
    return byKey(realServers, ({ host, vm, rsPort }) => `${host} ${vm} ${rsPort}`).map((rs, index) => [
      ...(index === 0 ? front : front.map(() => ' ')),
      rs.vm,
      rs.host,
      rs.ingressPort === rs.rsPort ? String(rs.rsPort) : `${rs.rsPort} (by ${rs.ingressPort})`,
      String(rs.weight),
      rs.state,
      ...only(accepted(rs.acceptance)),
      rs.reason,
    ])
  })
  const header = [
    'SERVICE',
    'VIP',
    'SCHEDULER',
    'SOURCE',
    'VM',
    'HOST',
    'PORT',
    'WEIGHT',
    'STATE',
    ...only('ACCEPTED'),
    'REASON',
  ]
  return table(header, rows)
}

/** Of the newest interval with new connections. */
function accepted(acceptance: Acceptance__Output | null): string {
  if (acceptance === null || acceptance.opened + acceptance.accepted === 0) return ''
  const { accepted, opened, refused } = acceptance
  return `${accepted} of ${opened}${refused > 0 ? `, ${refused} refused` : ''}`
}

function hosts(status: Status__Output): string {
  if (status.hosts.length === 0) return ''
  const rows = byKey(status.hosts, ({ hostId }) => hostId).map(host => [
    host.hostId,
    host.hostIp,
    host.hostMac,
    String(host.realServers),
    host.state,
    host.leaseExpiresAt,
  ])
  return table(['HOST', 'IP', 'MAC', 'REAL SERVERS', 'STATE', 'LEASE UNTIL'], rows)
}

function times(status: Status__Output): string {
  const rows = status.timeline.map(({ at, station, subject, detail }) => [at, station, subject, detail])
  return rows.length === 0 ? '' : table(['AT', 'STATION', 'SUBJECT', 'DETAIL'], rows)
}

function problems(status: Status__Output): string {
  const sorted = byKey(status.problems, ({ severity, subject }) => `${severity} ${subject}`)
  const rows = sorted
    .filter(({ severity }) => severity !== NOTE)
    .map(({ severity, subject, code, message }) => [severity, subject, code, message])
  const lines = rows.length === 0 ? 'everything is in force\n' : `not in force:\n${table(PROBLEM, rows)}`
  const notes = sorted.filter(({ severity }) => severity === NOTE)
  return lines + notes.map(({ code, message }) => `note: ${message} (${code})\n`).join('')
}

const PROBLEM = ['SEVERITY', 'SUBJECT', 'CODE', 'WHAT IS WRONG']

const byKey = <T>(items: readonly T[], key: (item: T) => string): T[] =>
  items.toSorted((a, b) => key(a).localeCompare(key(b), 'en', { numeric: true }))
