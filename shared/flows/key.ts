import { actionsText, flowKeyText, groupText } from '../openflow/text.ts'
import type { Flow, Group } from './types.ts'

/** Canonical text that identifies a flow of a bridge: two flows with one key replace each other (OpenFlow 1.5.1, 6.4). */
export function flowKey(flow: Pick<Flow, 'table' | 'priority' | 'match'>): string {
  return flowKeyText(flow)
}

/** Canonical text of everything in a flow that is not in its key: equal texts mean equal flows. */
export function flowContent(flow: Flow): string {
  return `cookie=0x${flow.cookie.toString(16)},actions=${actionsText(flow.actions)}`
}

/** Text that identifies a group of a bridge. */
export function groupKey(group: Pick<Group, 'id'>): string {
  return `group_id=${group.id}`
}

/** Canonical text of a group. The order of its buckets matters: Open vSwitch assigns dp_hash slots in that order. */
export function groupContent(group: Group): string {
  return groupText(group)
}
