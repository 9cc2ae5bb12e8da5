import fc from 'fast-check'
import { encodeCookie, groupId } from '../../../shared/flows/cookie.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import type { Bucket, Change, DesiredState, Flow, Group, InstalledState } from '../../../shared/flows/types.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'

const match: fc.Arbitrary<Match> = fc
  .record({ host: fc.integer({ min: 1, max: 3 }), port: fc.constantFrom(undefined, 80, 8080) })
  .map(({ host, port }) => ({
    eth_type: 0x800,
    ipv4_dst: `10.0.0.${host}`,
    ...(port === undefined ? {} : { ip_proto: 6, tcp_dst: port }),
  }))

const actions: fc.Arbitrary<readonly Action[]> = fc.constantFrom<readonly Action[]>(
  [],
  [{ type: 'output', port: 1 }],
  [
    { type: 'set_field', field: 'tcp_dst', value: 8080 },
    { type: 'output', port: 2 },
  ],
  [{ type: 'group', group: groupId('agent', 1) }],
)

/** Few keys, so that the two states of a property overlap often. */
export const flow: fc.Arbitrary<Flow> = fc.record({
  table: fc.integer({ min: 0, max: 1 }),
  priority: fc.constantFrom(10, 20),
  cookie: fc.constantFrom(encodeCookie('agent', 'request', 1), encodeCookie('agent', 'reply', 2)),
  match,
  actions,
})

const bucket = (id: number): fc.Arbitrary<Bucket> =>
  fc.record({ id: fc.constant(id), weight: fc.integer({ min: 1, max: 3 }), actions })

export const group: fc.Arbitrary<Group> = fc.record({
  id: fc.integer({ min: 0, max: 4 }).map(n => groupId('agent', n)),
  type: fc.constant('select' as const),
  selectionMethod: fc.constant('dp_hash' as const),
  buckets: fc.tuple(bucket(1), bucket(2)).map(list => [...list]),
})

export const state: fc.Arbitrary<DesiredState> = fc.record({
  flows: fc.uniqueArray(flow, { selector: flowKey, maxLength: 12 }),
  groups: fc.uniqueArray(group, { selector: g => g.id, maxLength: 4 }),
})

export function installed(wanted: DesiredState): InstalledState {
  return {
    flows: wanted.flows.map(f => ({ ...f, installed: true as const })),
    groups: wanted.groups.map(g => ({ ...g, installed: true as const })),
  }
}

const plain = <T extends object>(item: T): T => {
  const { installed: _, ...rest } = item as T & { installed?: true }
  return rest as T
}

/**
 * A switch as OpenFlow describes it, in another form than the code under test: a list that it searches. Rejects what a switch
 * rejects: adding a group twice, modifying or deleting a missing group, and referring to a missing group.
 */
export function apply(change: Change, before: InstalledState): InstalledState {
  let groups: Group[] = before.groups.map(plain)
  let flows: Flow[] = before.flows.map(plain)
  for (const g of change.addGroups) {
    if (groups.some(x => x.id === g.id)) throw new Error('OFPGMFC_GROUP_EXISTS')
    groups.push(g)
  }
  for (const g of change.modifyGroups) {
    if (!groups.some(x => x.id === g.id)) throw new Error('OFPGMFC_UNKNOWN_GROUP')
    groups = groups.map(x => (x.id === g.id ? g : x))
  }
  const same = (a: Flow, b: Flow) => flowKey(a) === flowKey(b)
  for (const f of change.addFlows) {
    if (flows.some(x => same(x, f))) throw new Error('added what was there')
    flows.push(f)
  }
  for (const f of change.replaceFlows) {
    if (!flows.some(x => same(x, f))) throw new Error('replaced what was not there')
    flows = flows.map(x => (same(x, f) ? f : x))
  }
  for (const f of change.deleteFlows) {
    if (!flows.some(x => same(x, f))) throw new Error('deleted what was not there')
    flows = flows.filter(x => !same(x, f))
  }
  for (const id of change.deleteGroups) {
    if (!groups.some(x => x.id === id)) throw new Error('deleted a group that was not there')
    groups = groups.filter(x => x.id !== id)
  }
  return installed({ flows, groups })
}

const jsonable = (_: string, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value)

/** The state as a set, for comparison. */
export function asSet(s: DesiredState): string[] {
  return [...s.flows.map(plain), ...s.groups.map(plain)].map(item => JSON.stringify(item, jsonable)).sort()
}
