import { cookieText, type Owner, ownerCookie } from '../flows/cookie.ts'
import { flowKey } from '../flows/key.ts'
import type { Change, Flow, Group } from '../flows/types.ts'
import { writeBundleFlow, writeBundleGroup } from '../openflow/bundle.ts'
import type { GroupCommand } from '../openflow/group.ts'
import { flowText, groupText } from '../openflow/text.ts'
import type { Writer } from '../openflow/writer.ts'

/** One message of a bundle. */
export type BundleItem =
  | { readonly command: 'add' | 'delete'; readonly flow: Flow }
  | { readonly command: GroupCommand; readonly group: Group }

/** The change as messages, in the order that Change prescribes. */
export function bundleItems(change: Change): BundleItem[] {
  return [
    ...change.addGroups.map(group => ({ command: 'add' as const, group })),
    ...change.modifyGroups.map(group => ({ command: 'modify' as const, group })),
    ...change.addFlows.map(flow => ({ command: 'add' as const, flow })),
    ...change.replaceFlows.map(flow => ({ command: 'add' as const, flow })),
    ...change.deleteFlows.map(flow => ({ command: 'delete' as const, flow })),
    ...change.deleteGroups.map(id => ({
      command: 'delete' as const,
      group: { id, type: 'all' as const, buckets: [] },
    })),
  ]
}

/** Throws OPENFLOW_VALUE_INVALID. */
export function writeItem(w: Writer, xid: number, bundle: number, owner: Owner, item: BundleItem): void {
  // Deleted by the owner's cookie: a stranger's flow that has taken the place of ours stays.
  const { cookie, mask } = ownerCookie(owner)
  if ('group' in item) writeBundleGroup(w, xid, bundle, item.command, item.group)
  else if (item.command === 'add') writeBundleFlow(w, xid, bundle, 'add', item.flow)
  else writeBundleFlow(w, xid, bundle, 'delete_strict', { ...item.flow, cookie }, { cookieMask: mask })
}

/** What to say of a message that was refused: in words, and as fields of the error. */
export function describeItem(item: BundleItem): { readonly what: string; readonly fields: Record<string, string> } {
  if ('group' in item)
    return {
      what: `to ${item.command} group ${item.group.id}`,
      fields: { GROUP: orElse(() => groupText(item.group)), GROUP_ID: String(item.group.id) },
    }
  const key = orElse(() => flowKey(item.flow))
  const fields = { FLOW: orElse(() => flowText(item.flow)), FLOW_KEY: key, COOKIE: cookieText(item.flow.cookie) }
  return { what: `to ${item.command} the flow ${key}`, fields }
}

/** What cannot be sent may have no text either. */
function orElse(text: () => string): string {
  try {
    return text()
  } catch (error) {
    return (error as Error).message
  }
}
