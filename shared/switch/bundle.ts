import { type Owner, ownerCookie } from '../flows/cookie.ts'
import { flowKey } from '../flows/key.ts'
import type { Change, Flow, Group } from '../flows/types.ts'
import { writeBundleFlow, writeBundleGroup } from '../openflow/bundle.ts'
import type { GroupCommand } from '../openflow/group.ts'
import { flowText, groupText } from '../openflow/text.ts'
import type { Writer } from '../openflow/writer.ts'

/** One message of a bundle, and what to say of it when the switch refuses it. */
export interface BundleItem {
  write(w: Writer, xid: number, bundle: number): void
  describe(): { readonly what: string; readonly fields: Record<string, string | number> }
}

/** The change as messages, in the order that Change prescribes. */
export function bundleItems(owner: Owner, change: Change): BundleItem[] {
  const { cookie, mask } = ownerCookie(owner)
  const groupItem = (command: GroupCommand, group: Group): BundleItem => ({
    write: (w, xid, bundle) => writeBundleGroup(w, xid, bundle, command, group),
    describe: () => ({ what: `to ${command} group ${group.id}`, fields: { GROUP: groupText(group) } }),
  })
  const flowItem = (verb: string, flow: Flow, write: BundleItem['write']): BundleItem => ({
    write,
    describe: () => ({
      what: `to ${verb} flow ${flowKey(flow)}`,
      fields: { FLOW: flowText(flow), FLOW_KEY: flowKey(flow) },
    }),
  })
  const add = (flow: Flow) => flowItem('add', flow, (w, xid, bundle) => writeBundleFlow(w, xid, bundle, 'add', flow))
  // With the owner's cookie: a stranger's flow that has taken the place of ours stays.
  const remove = (flow: Flow) =>
    flowItem('delete', flow, (w, xid, bundle) =>
      writeBundleFlow(w, xid, bundle, 'delete_strict', { ...flow, cookie }, { cookieMask: mask }),
    )
  return [
    ...change.addGroups.map(group => groupItem('add', group)),
    ...change.modifyGroups.map(group => groupItem('modify', group)),
    ...change.addFlows.map(add),
    ...change.replaceFlows.map(add),
    ...change.deleteFlows.map(remove),
    ...change.deleteGroups.map(id => groupItem('delete', { id, type: 'all', buckets: [] })),
  ]
}
