import { actionsText, flowKeyText, groupText } from '../openflow/text.ts'
import type { Flow, Group } from './types.ts'

/** Names one flow of a bridge: two flows with one key replace each other (OpenFlow 1.5.1, 6.4). Canonical. */
export function flowKey(flow: Pick<Flow, 'table' | 'priority' | 'match'>): string {
  return flowKeyText(flow)
}

/** All of a flow that its key does not hold. Canonical: equal texts mean equal flows. */
export function flowContent(flow: Flow): string {
  return `cookie=0x${flow.cookie.toString(16)},actions=${actionsText(flow.actions)}`
}

/** Names one group of a bridge. */
export function groupKey(group: Pick<Group, 'id'>): string {
  return `group_id=${group.id}`
}

/** All of a group, canonical. The order of its buckets counts: Open vSwitch hands dp_hash slots out in that order. */
export function groupContent(group: Group): string {
  return groupText(group)
}
