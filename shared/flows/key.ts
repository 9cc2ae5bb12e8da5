import { actionsText, groupText, matchText } from '../openflow/text.ts'
import type { Flow, Group } from './types.ts'

/** Names one flow of a bridge: two flows with one key replace each other (OpenFlow 1.5.1, 6.4). Canonical. */
export function flowKey(flow: Flow): string {
  const match = matchText(flow.match)
  return `table=${flow.table},priority=${flow.priority}${match === '' ? '' : `,${match}`}`
}

/** All of a flow that its key does not hold. Canonical: equal texts mean equal flows. */
export function flowContent(flow: Flow): string {
  return `cookie=0x${flow.cookie.toString(16)},actions=${actionsText(flow.actions)}`
}

/** Names one group of a bridge. */
export function groupKey(group: Group): string {
  return `group_id=${group.id}`
}

/** All of a group, canonical. */
export function groupContent(group: Group): string {
  return groupText(group)
}
