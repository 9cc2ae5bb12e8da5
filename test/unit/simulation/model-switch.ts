import { CrossportError } from '../../../shared/errors.ts'
import { type Owner, ownsFlow, ownsGroup } from '../../../shared/flows/cookie.ts'
import { printOf } from '../../../shared/flows/entries.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import type { Change, Flow, Group, InstalledState } from '../../../shared/flows/types.ts'
import { actionsText } from '../../../shared/openflow/text.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import type { Switch } from '../../../shared/switch/types.ts'

/**
 * A model of a bridge's flows and groups, with enough of OpenFlow 1.5.1, 6.4 to 6.7, to replace a bridge in tests.
 * model-switch.test.ts compares it with ovs-vswitchd.
 */
export interface ModelSwitch extends Pick<Switch, 'state' | 'readInstalled' | 'commit' | 'packetOut'> {
  readonly flows: ReadonlyMap<string, Flow>
  readonly groups: ReadonlyMap<number, Group>
  /** Number of committed bundles. */
  readonly commits: number
  /** Makes the next commit take effect and lose its confirmation. */
  loseNextAnswer(): void
  /** Makes the next commit or reading fail before it does anything. */
  failNext(): void
  /** Flows that it refuses, together with their whole bundle. */
  refuse: (flow: Flow) => boolean
  /** Reports others' changes to the owner's flows and groups, as the flow monitor and forwarded group requests do. */
  onDrift: () => void
  /** Flow-mods and group-mods of others. */
  strangerAdds(flow: Flow): void
  /** Replaces the actions of these flows. */
  strangerModifies(which: (flow: Flow) => boolean, actions: readonly Action[]): void
  strangerDeletes(keep: (flow: Flow) => boolean): void
  strangerModifiesGroup(group: Group): void
  strangerDeletesGroup(id: number): void
}

export function createModelSwitch(owner: Owner): ModelSwitch {
  let flows = new Map<string, Flow>()
  let groups = new Map<number, Group>()
  /** Keys of flows that are, or once were, the owner's (shared/switch/key-set.ts). */
  const noted = new Set<string>()
  let commits = 0
  let losing = false
  let failing = false

  const down = () => new CrossportError('SWITCH_DOWN', 'the model switch is away')
  const perhapsFail = () => {
    if (!failing) return
    failing = false
    throw down()
  }
  const note = (list: readonly Flow[]) => {
    for (const flow of list) noted.add(flowKey(flow))
  }
  const touches = (flow: Flow) => ownsFlow(owner, flow.cookie) || noted.has(flowKey(flow))

  const commit = async (change: Change) => {
    await Promise.resolve()
    note([...change.addFlows, ...change.replaceFlows])
    perhapsFail()
    const next = { flows: new Map(flows), groups: new Map(groups) }
    const taken = carryOut(change, next, { owner, refuse: flow => model.refuse(flow) })
    flows = next.flows
    groups = next.groups
    commits++
    // Flows deleted with a group are reported, even though the owner has deleted the group.
    if (taken.some(flow => ownsFlow(owner, flow.cookie))) model.onDrift()
    if (!losing) return
    losing = false
    throw down()
  }

  const model: ModelSwitch = {
    state: 'up',
    get flows() {
      return flows
    },
    get groups() {
      return groups
    },
    get commits() {
      return commits
    },
    readInstalled: async (known = () => false): Promise<InstalledState> => {
      await Promise.resolve()
      perhapsFail()
      const own = [...flows.values()].filter(flow => ownsFlow(owner, flow.cookie))
      note(own)
      return {
        flows: own.filter(flow => !known(printOf(flow))).map(flow => ({ ...flow, installed: true })),
        groups: [...groups.values()]
          .filter(group => ownsGroup(owner, group.id))
          .map(group => ({ ...group, installed: true })),
      }
    },
    commit,
    packetOut: async () => {},
    loseNextAnswer: () => {
      losing = true
    },
    failNext: () => {
      failing = true
    },
    refuse: () => false,
    onDrift: () => {},
    strangerAdds: flow => {
      flows.set(flowKey(flow), flow)
      if (touches(flow)) model.onDrift()
    },
    strangerModifies: (which, actions) => {
      const found = [...flows].filter(([, flow]) => which(flow) && actionsText(flow.actions) !== actionsText(actions))
      for (const [key, flow] of found) flows.set(key, { ...flow, actions })
      if (found.some(([, flow]) => touches(flow))) model.onDrift()
    },
    strangerDeletes: keep => {
      const gone = [...flows].filter(([, flow]) => !keep(flow))
      for (const [key] of gone) flows.delete(key)
      if (gone.some(([, flow]) => ownsFlow(owner, flow.cookie))) model.onDrift()
    },
    strangerModifiesGroup: group => {
      groups.set(group.id, group)
      if (ownsGroup(owner, group.id)) model.onDrift()
    },
    strangerDeletesGroup: id => {
      deleteGroup({ flows, groups }, id)
      if (ownsGroup(owner, id)) model.onDrift()
    },
  }
  return model
}

interface Tables {
  readonly flows: Map<string, Flow>
  readonly groups: Map<number, Group>
}

/**
 * Applies one bundle in the order of its messages; throws at the first refused one. Returns the flows that were deleted with
 * groups.
 */
function carryOut(
  change: Change,
  tables: Tables,
  { owner, refuse }: { readonly owner: Owner; readonly refuse: (flow: Flow) => boolean },
): readonly Flow[] {
  const { flows, groups } = tables
  const refuseGroup = (id: number, why: string) => {
    throw new CrossportError('SWITCH_REJECTED', `group ${id} ${why}`, { fields: { GROUP_ID: String(id) } })
  }
  for (const group of change.addGroups) {
    if (groups.has(group.id)) refuseGroup(group.id, 'exists')
    groups.set(group.id, group)
  }
  for (const group of change.modifyGroups) {
    if (!groups.has(group.id)) refuseGroup(group.id, 'is unknown')
    groups.set(group.id, group)
  }
  for (const flow of [...change.addFlows, ...change.replaceFlows]) {
    const FLOW_KEY = flowKey(flow)
    if (refuse(flow) || groupsOf(flow).some(id => !groups.has(id)))
      throw new CrossportError('SWITCH_REJECTED', `refused ${FLOW_KEY}`, { fields: { FLOW_KEY } })
    flows.set(FLOW_KEY, flow)
  }
  for (const flow of change.deleteFlows) {
    const there = flows.get(flowKey(flow))
    if (there !== undefined && ownsFlow(owner, there.cookie)) flows.delete(flowKey(flow))
  }
  return change.deleteGroups.flatMap(id => deleteGroup(tables, id))
}

/** Deletes and returns the flows that lead to a group. */
function deleteGroup({ flows, groups }: Tables, id: number): readonly Flow[] {
  groups.delete(id)
  const gone = [...flows].filter(([, flow]) => groupsOf(flow).includes(id))
  for (const [key] of gone) flows.delete(key)
  return gone.map(([, flow]) => flow)
}

const groupsOf = ({ actions }: Flow) => actions.flatMap(action => (action.type === 'group' ? [action.group] : []))
