import { CrossportError } from '../../../shared/errors.ts'
import { type Owner, ownsFlow, ownsGroup } from '../../../shared/flows/cookie.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import type { Change, Flow, Group, InstalledState } from '../../../shared/flows/types.ts'
import type { Switch } from '../../../shared/switch/types.ts'

/** What a bridge does with flows and groups, without a bridge: enough of OpenFlow 1.5.1, 6.4 and 6.5, to stand in for it. */
export interface ModelSwitch extends Pick<Switch, 'state' | 'readInstalled' | 'commit' | 'packetOut'> {
  readonly flows: ReadonlyMap<string, Flow>
  readonly groups: ReadonlyMap<number, Group>
  /** Bundles that were committed. */
  readonly commits: number
  /** The next commit is made, but its confirmation is lost. */
  loseNextAnswer(): void
  /** The next commit, or reading, fails before anything is done. */
  failNext(): void
  /** Flows that it refuses, all of the bundle with them. */
  refuse: (flow: Flow) => boolean
  /** A stranger's flow-mods. */
  strangerAdds(flow: Flow): void
  strangerDeletes(keep: (flow: Flow) => boolean): void
}

export function createModelSwitch(owner: Owner): ModelSwitch {
  const flows = new Map<string, Flow>()
  const groups = new Map<number, Group>()
  let commits = 0
  let losing = false
  let failing = false

  const down = () => new CrossportError('SWITCH_DOWN', 'the model switch is away')
  const perhapsFail = () => {
    if (!failing) return
    failing = false
    throw down()
  }

  const commit = async (change: Change) => {
    await Promise.resolve()
    perhapsFail()
    for (const flow of [...change.addFlows, ...change.replaceFlows]) {
      if (!model.refuse(flow)) continue
      throw new CrossportError('SWITCH_REJECTED', `refused ${flowKey(flow)}`, { fields: { FLOW_KEY: flowKey(flow) } })
    }
    for (const group of change.addGroups) {
      if (groups.has(group.id)) throw new CrossportError('SWITCH_REJECTED', `group ${group.id} exists`)
    }
    for (const group of [...change.addGroups, ...change.modifyGroups]) groups.set(group.id, group)
    for (const flow of [...change.addFlows, ...change.replaceFlows]) flows.set(flowKey(flow), flow)
    for (const flow of change.deleteFlows) {
      const there = flows.get(flowKey(flow))
      if (there !== undefined && ownsFlow(owner, there.cookie)) flows.delete(flowKey(flow))
    }
    for (const id of change.deleteGroups) groups.delete(id)
    commits++
    if (!losing) return
    losing = false
    throw down()
  }

  const model: ModelSwitch = {
    state: 'up',
    flows,
    groups,
    get commits() {
      return commits
    },
    readInstalled: async (): Promise<InstalledState> => {
      await Promise.resolve()
      perhapsFail()
      return {
        flows: [...flows.values()]
          .filter(flow => ownsFlow(owner, flow.cookie))
          .map(flow => ({ ...flow, installed: true })),
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
    strangerAdds: flow => void flows.set(flowKey(flow), flow),
    strangerDeletes: keep => {
      for (const [key, flow] of flows) if (!keep(flow)) flows.delete(key)
    },
  }
  return model
}
