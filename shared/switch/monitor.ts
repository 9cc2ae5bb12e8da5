import { type Owner, ownsFlow, ownsGroup } from '../flows/cookie.ts'
import { decodeGroupMod, GROUP_ALL } from '../openflow/group.ts'
import { encodeSetAsync } from '../openflow/messages.ts'
import { decodeFlowUpdates, encodeFlowMonitor, type FlowUpdate } from '../openflow/monitor.ts'
import { flowKeyText } from '../openflow/text.ts'
import type { Frame } from './frame.ts'
import { request, type Session } from './request.ts'
import type { SwitchHandlers } from './types.ts'

/**
 * Reports changes that others make to our flows and groups. Our own changes are not reported: the switch abbreviates them on the
 * connection that made them, and forwards group changes only to other connections.
 */
export interface DriftWatch {
  /** Begins to watch; flows that are read after this cannot change unnoticed. */
  start(session: Session): Promise<void>
  flowUpdates(frame: Frame): void
  groupChange(frame: Frame): void
}

/** ofp_async_config_prop_type for requestforward, role equal or master (OpenFlow 1.5.1, 7.3.10), and its group bit. */
const REQUESTFORWARD: readonly [number, number] = [11, 1]

const MONITOR = 1

/** Bytes of a REQUESTFORWARD before the request in it. */
const FORWARDED = 8

export function createDriftWatch(owner: Owner, handlers: Pick<SwitchHandlers, 'onDrift' | 'isOurs'>): DriftWatch {
  const { onDrift } = handlers

  const concerns = (update: FlowUpdate): string | undefined => {
    if (update.event === 'resumed') return 'flow changes came faster than they could be told of'
    if (!('flow' in update)) return undefined
    const { event, flow } = update
    // A foreign flow that has replaced ours is reported only under its own cookie.
    const touches = ownsFlow(owner, flow.cookie) || (event !== 'removed' && handlers.isOurs?.(flow) === true)
    return touches ? `flow ${event}: ${flowKeyText(flow)}` : undefined
  }

  return {
    start: async session => {
      await session.connection.write(encodeSetAsync(session.connection.take(), [REQUESTFORWARD]))
      await request(session, 'the flow monitor', xid =>
        encodeFlowMonitor(xid, { id: MONITOR, flags: ['add', 'removed', 'modify'] }),
      )
    },
    flowUpdates: frame => {
      const found = decodeFlowUpdates(frame.bytes).map(concerns)
      // One event per message, because the listener reads everything back anyway.
      const first = found.find(what => what !== undefined)
      if (first !== undefined) onDrift(first)
    },
    groupChange: frame => {
      const { group } = decodeGroupMod(frame.bytes.subarray(FORWARDED))
      if (group.id === GROUP_ALL) onDrift('all groups deleted')
      else if (ownsGroup(owner, group.id)) onDrift(`group ${group.id} changed`)
    },
  }
}
