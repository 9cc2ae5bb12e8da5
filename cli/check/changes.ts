import { formatDuration } from '../../shared/config/duration.ts'
import type { RealServerSpec, ServiceSpec } from '../../shared/config/service.ts'

/** One key of a service that would be another. Undefined: it is not set. */
export interface FieldChange {
  /** As in the file: `scheduler`, `check.interval`, `realServers[web-*].weight`; without a key: the whole entry. */
  readonly field: string
  readonly from?: string
  readonly to?: string
}

export interface ServiceChange {
  readonly service: string
  readonly kind: 'added' | 'changed' | 'removed'
  readonly before?: ServiceSpec
  readonly after?: ServiceSpec
  readonly fields: readonly FieldChange[]
  /** A removed service whose VIP and port another one takes over. */
  readonly renamedTo?: string
}

/** What a status does not tell of a service. */
const UNTOLD = new Set([
  'clients',
  'arp',
  'realServers',
  'check',
  'slowStart',
  'drainTimeout',
  'persistence',
  'onFailure',
  'onEmpty',
  'passive',
  'sorryService',
])

/**
 * From one list of services to another, by name. Pure; defaults are filled in on both sides, so that a default that is
 * written out is no change. `partly`: services of which only what a status tells is known.
 */
export function changesOf(
  before: readonly ServiceSpec[],
  after: readonly ServiceSpec[],
  partly: ReadonlySet<ServiceSpec> = new Set(),
): readonly ServiceChange[] {
  const old = new Map(before.map(spec => [spec.service, spec]))
  const next = new Map(after.map(spec => [spec.service, spec]))
  const changes: ServiceChange[] = []
  for (const spec of after) {
    const was = old.get(spec.service)
    if (was === undefined) changes.push({ service: spec.service, kind: 'added', after: spec, fields: [] })
    else {
      const fields = was === spec ? [] : fieldChanges(was, spec).filter(one => !partly.has(was) || isTold(one))
      if (fields.length > 0) changes.push({ service: spec.service, kind: 'changed', before: was, after: spec, fields })
    }
  }
  for (const spec of before) {
    if (next.has(spec.service)) continue
    const heir = after.find(other => !old.has(other.service) && frontEnd(other) === frontEnd(spec))
    const renamed = heir === undefined ? {} : { renamedTo: heir.service }
    changes.push({ service: spec.service, kind: 'removed', before: spec, fields: [], ...renamed })
  }
  return changes.sort((a, b) => (a.service < b.service ? -1 : 1))
}

export const frontEnd = ({ protocol, vip, port }: ServiceSpec) => `${protocol} ${vip}:${port}`

const isTold = ({ field }: FieldChange) => !UNTOLD.has(/^\w+/.exec(field)?.[0] ?? '')

function fieldChanges(before: ServiceSpec, after: ServiceSpec): FieldChange[] {
  const [old, next] = [flat(before), flat(after)]
  const keys = [...new Set([...next.keys(), ...old.keys()])]
  const blocks = (['check', 'persistence'] as const).filter(
    key => (before[key] === undefined) !== (after[key] === undefined),
  )
  const single = keys.filter(key => !blocks.some(block => key.startsWith(`${block}.`)))
  return [
    ...single.flatMap(key => change(key, old.get(key), next.get(key))),
    ...blocks.flatMap(block => change(block, wholeBlock(block, old), wholeBlock(block, next))),
    ...realServerChanges(before.realServers, after.realServers),
  ]
}

function change(field: string, from: string | undefined, to: string | undefined): FieldChange[] {
  if (from === to) return []
  return [{ field, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }]
}

/** A block that is there on one side only is told in one line. */
function wholeBlock(block: string, values: ReadonlyMap<string, string>): string | undefined {
  const own = [...values].filter(([key]) => key.startsWith(`${block}.`))
  if (own.length === 0) return undefined
  return own.map(([key, value]) => `${key.slice(block.length + 1)} ${value}`).join(', ')
}

/** Key by key, blocks with dots. */
function flat({ realServers: _, source: __, ...spec }: ServiceSpec): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const add = (path: string, value: unknown) => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return
    if (isBlock(value)) for (const [key, inner] of Object.entries(value)) add(`${path}.${key}`, inner)
    else found.set(path, words(path, value))
  }
  for (const [key, value] of Object.entries(spec)) add(key, value)
  return found
}

const isBlock = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const DURATIONS = new Set(['check.interval', 'check.timeout', 'check.retryInterval', 'check.hold', 'passive.retry'])

function words(path: string, value: unknown): string {
  if (DURATIONS.has(path)) return formatDuration(Number(value))
  if (!Array.isArray(value)) return String(value)
  return value
    .map(item => (path === 'check.status' ? [...new Set([item.first, item.last])].join('-') : String(item)))
    .join(path === 'check.command' ? ' ' : ', ')
}

/** Entries are the same by VM and port; of one VM's that are not, the first two of both sides are one whose port is another. */
function realServerChanges(before: readonly RealServerSpec[], after: readonly RealServerSpec[]): FieldChange[] {
  const key = ({ vm, port }: RealServerSpec) => `${vm} ${port}`
  const old = new Map(before.map(rs => [key(rs), rs]))
  const kept = new Set(after.map(key))
  const gone = before.filter(rs => !kept.has(key(rs)))
  const changes = after.flatMap(rs => {
    const moved = old.has(key(rs)) ? -1 : gone.findIndex(one => one.vm === rs.vm)
    const was = old.get(key(rs)) ?? (moved < 0 ? undefined : gone.splice(moved, 1)[0])
    const name = `realServers[${rs.vm}]`
    if (was === undefined) return [{ field: name, to: `port ${rs.port}, weight ${rs.weight}` }]
    return (['port', 'weight', 'uthreshold', 'lthreshold', 'sorry'] as const).flatMap(field =>
      change(`${name}.${field}`, shown(was[field]), shown(rs[field])),
    )
  })
  return [
    ...changes,
    ...gone.map(rs => ({ field: `realServers[${rs.vm}]`, from: `port ${rs.port}, weight ${rs.weight}` })),
  ]
}

const shown = (value: number | boolean | undefined) => (value === undefined ? undefined : String(value))
