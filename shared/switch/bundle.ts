import { CrossportError } from '../errors.ts'
import { cookieText, type Owner, ownerCookie, ownsFlow, ownsGroup } from '../flows/cookie.ts'
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

/** The change as `changeSize` messages, in the order that Change prescribes. */
export function* bundleItems(change: Change): Generator<BundleItem> {
  for (const group of change.addGroups) yield { command: 'add', group }
  for (const group of change.modifyGroups) yield { command: 'modify', group }
  for (const flow of change.addFlows) yield { command: 'add', flow }
  for (const flow of change.replaceFlows) yield { command: 'add', flow }
  for (const flow of change.deleteFlows) yield { command: 'delete', flow }
  for (const id of change.deleteGroups) yield { command: 'delete', group: { id, type: 'all', buckets: [] } }
}

/** Throws OPENFLOW_VALUE_INVALID, and FLOW_NOT_OURS for a flow of another owner, which must not even be sent. */
export function writeItem(w: Writer, xid: number, bundle: number, owner: Owner, item: BundleItem): void {
  if ('group' in item ? !ownsGroup(owner, item.group.id) : !ownsFlow(owner, item.flow.cookie))
    throw notOurs(owner, item)
  // The delete names the owner's cookie, so that a foreign flow that has replaced ours stays.
  const { cookie, mask } = ownerCookie(owner)
  if ('group' in item) writeBundleGroup(w, xid, bundle, item.command, item.group)
  else if (item.command === 'add') writeBundleFlow(w, xid, bundle, 'add', item.flow)
  else writeBundleFlow(w, xid, bundle, 'delete_strict', { ...item.flow, cookie }, { cookieMask: mask })
}

function notOurs(owner: Owner, item: BundleItem): CrossportError {
  const what = 'group' in item ? `group ${item.group.id}` : `flow ${cookieText(item.flow.cookie)}`
  return new CrossportError('FLOW_NOT_OURS', `${what} does not belong to ${owner}`, { fields: { OWNER: owner } })
}

/** Describes a refused message: in words, and as fields of the error. */
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

/** A flow that cannot be encoded may have no text either. */
function orElse(text: () => string): string {
  try {
    return text()
  } catch (error) {
    return (error as Error).message
  }
}
