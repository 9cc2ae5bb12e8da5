import { encodeCookie, kindCookie, type Owner, ownerCookie, ownsFlow, ownsGroup } from '../flows/cookie.ts'
import type { InstalledFlow, InstalledGroup, InstalledState } from '../flows/types.ts'
import {
  decodeAggregate,
  decodeFlowCounts,
  decodeFlowDesc,
  encodeAggregateRequest,
  encodeFlowDescRequest,
  type FlowFilter,
} from '../openflow/flow.ts'
import { decodeGroupDesc, encodeGroupDescRequest, type GroupDesc } from '../openflow/group.ts'
import { decodeGroupStats, encodeGroupStatsRequest } from '../openflow/group-stats.ts'
import { decodePortDesc, encodePortDescRequest } from '../openflow/port-desc.ts'
import type { Print } from '../openflow/print.ts'
import { eachPart, request, type Session } from './request.ts'
import type { FlowStats, FlowStatsFilter, GroupStats, SwitchPort } from './types.ts'

/** Flows are filtered by the switch (cookie and mask), groups here (id range). `known`: see Switch.readInstalled. */
export async function readInstalled(session: Session, owner: Owner, known: Known): Promise<InstalledState> {
  const [flows, groups] = await Promise.all([readFlows(session, owner, known), readGroups(session, owner)])
  return { flows, groups: groups.map(asInstalled) }
}

type Known = (print: Print) => boolean

async function readFlows(session: Session, owner: Owner, known: Known): Promise<InstalledFlow[]> {
  const flows: InstalledFlow[] = []
  await eachPart(
    session,
    'the request for flows',
    xid => encodeFlowDescRequest(xid, { cookie: ownerCookie(owner) }),
    ({ bytes }) => {
      for (const { table, priority, cookie, match, actions } of decodeFlowDesc(bytes, known))
        if (ownsFlow(owner, cookie)) flows.push({ table, priority, cookie, match, actions, installed: true })
    },
  )
  return flows
}

export async function readFlowStats(session: Session, owner: Owner, filter: FlowStatsFilter): Promise<FlowStats[]> {
  const parts = await request(session, 'the request for counters', xid =>
    encodeFlowDescRequest(xid, flowFilter(owner, filter)),
  )
  return parts.flatMap(part => decodeFlowCounts(part.bytes))
}

export async function readPackets(session: Session, owner: Owner, filter: FlowStatsFilter): Promise<number> {
  const parts = await request(session, 'the request for a sum of counters', xid =>
    encodeAggregateRequest(xid, flowFilter(owner, filter)),
  )
  return parts.reduce((sum, part) => sum + Number(decodeAggregate(part.bytes).packets), 0)
}

/** The switch has an index of whole cookies; for a partial one it searches all flows of the table. */
function flowFilter(owner: Owner, { table, kind, object }: FlowStatsFilter): FlowFilter {
  if (kind === undefined) return { table, cookie: ownerCookie(owner) }
  if (object === undefined) return { table, cookie: kindCookie(owner, kind) }
  return { table, cookie: { cookie: encodeCookie(owner, kind, object), mask: 0xffff_ffff_ffff_ffffn } }
}

async function readGroups(session: Session, owner: Owner): Promise<GroupDesc[]> {
  const parts = await request(session, 'the request for groups', encodeGroupDescRequest)
  return parts.flatMap(part => decodeGroupDesc(part.bytes)).filter(group => ownsGroup(owner, group.id))
}

/**
 * Somebody else may have put a group into our range that we would never make. It must differ from any desired group: without
 * buckets it does, and is replaced.
 */
function asInstalled({ partial, ...group }: GroupDesc): InstalledGroup {
  const shown = partial ? { ...group, buckets: [] } : group
  return { ...(shown as Omit<InstalledGroup, 'installed'>), installed: true }
}

/**
 * Counters of our own groups. The switch lists buckets without ids, in the order of its group-desc. When the two do not fit,
 * because a group has changed in between, the group is left out.
 */
export async function readGroupStats(session: Session, owner: Owner): Promise<GroupStats[]> {
  const [groups, parts] = await Promise.all([
    readGroups(session, owner),
    request(session, 'the request for group counters', xid => encodeGroupStatsRequest(xid)),
  ])
  const bucketsOf = new Map(groups.map(group => [group.id, group.buckets]))
  return parts
    .flatMap(part => decodeGroupStats(part.bytes))
    .flatMap(({ id, packets, bytes, buckets }) => {
      const described = bucketsOf.get(id)
      if (described?.length !== buckets.length) return []
      return [{ id, packets, bytes, buckets: buckets.map((stats, i) => ({ id: described[i]!.id, ...stats })) }]
    })
}

export async function readPorts(session: Session): Promise<SwitchPort[]> {
  const parts = await request(session, 'the request for ports', encodePortDescRequest)
  return parts.flatMap(part => decodePortDesc(part.bytes)).map(({ number, name, mac }) => ({ number, name, mac }))
}
