import type { RealServerSpec, ServiceSpec } from '../../shared/config/service.ts'
import { patternCovers, patternsMeet } from '../../shared/config/vm-pattern.ts'
import { familyOf } from '../../shared/net/family.ts'
import type { ServiceChange } from './changes.ts'

/** What a change means to the connections that are established (docs/scheduling.md, "The life of a real server"). */
export interface ConnectionEffect {
  readonly affected: boolean
  readonly text: string
}

/** `leaving`: real servers that are in no entry any more (`web-1 port 8080`); undefined: no daemon was asked. Pure. */
export function connectionEffect(change: ServiceChange, leaving?: readonly string[]): ConnectionEffect {
  const { before, after, fields } = change
  if (before === undefined) return effect(false, 'there are none yet')
  if (after === undefined) {
    const heir = change.renamedTo
    if (heir === undefined) return effect(true, 'established ones end')
    return effect(
      true,
      `established ones are scheduled anew, which ends most: '${heir}' is another service to crossport`,
    )
  }
  const front = fields.filter(({ field }) => ['vip', 'port', 'protocol'].includes(field))
  if (front.length > 0)
    return effect(
      true,
      `established ones end: nobody answers at ${before.protocol} ${before.vip}:${before.port} any more`,
    )
  const said = [
    ...excluded(before, after),
    ...left(after, leaving ?? unnamed(before, after)),
    ...drained(before, after),
  ]
  if (said.length > 0) return effect(true, said.join('; '))
  const only = fields.some(({ field }) => field.startsWith('check')) ? ', as long as the check succeeds' : ''
  return effect(false, `established ones stay where they are${only}; the change is about new ones`)
}

const effect = (affected: boolean, text: string): ConnectionEffect => ({ affected, text })

function excluded(before: ServiceSpec, after: ServiceSpec): string[] {
  if (after.clients.includes(familyOf(after.vip).anyone)) return []
  const gone = before.clients.filter(cidr => !after.clients.includes(cidr))
  return gone.length === 0 ? [] : [`those of clients in ${gone.join(', ')} that are in no other block end`]
}

/** Entries that no other one covers now. */
function unnamed(before: ServiceSpec, { realServers }: ServiceSpec): string[] {
  return before.realServers
    .filter(rs => !realServers.some(({ vm, port }) => port === rs.port && patternCovers(vm, rs.vm)))
    .map(({ vm, port }) =>
      realServers.some(other => other.port === port && patternsMeet(other.vm, vm))
        ? `VMs of ${vm} port ${port} that no entry names any more`
        : `${vm} port ${port}`,
    )
}

function left({ drainTimeout = 0 }: ServiceSpec, leaving: readonly string[]): string[] {
  if (leaving.length === 0) return []
  const names = leaving.join(', ')
  return drainTimeout > 0
    ? [`those to ${names} go on for ${drainTimeout} s (drainTimeout, where the file is the director's), then end`]
    : [`those to ${names} end (with drainTimeout, or with weight 0 first, they would go on)`]
}

function drained(before: ServiceSpec, { realServers, drainTimeout }: ServiceSpec): string[] {
  const draining = realServers.filter(
    rs => rs.weight === 0 && before.realServers.some(was => was.weight > 0 && meets(was, rs)),
  )
  if (draining.length === 0) return []
  const end = drainTimeout === undefined ? 'go on' : `go on for ${drainTimeout} s (drainTimeout), then end`
  return [`those to ${draining.map(rs => `${rs.vm} port ${rs.port}`).join(', ')} ${end}`]
}

const meets = (one: RealServerSpec, other: RealServerSpec) => one.port === other.port && patternsMeet(one.vm, other.vm)
