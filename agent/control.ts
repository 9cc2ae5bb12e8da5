import type { Applier } from '../shared/apply/apply.ts'
import type { Log } from '../shared/log.ts'
import type { ResyncReply } from '../shared/rpc/gen/crossport/v1/ResyncReply.ts'
import type { TeardownReply } from '../shared/rpc/gen/crossport/v1/TeardownReply.ts'
import type { Clock } from '../shared/run/clock.ts'
import type { DirtyLoop } from '../shared/run/dirty-loop.ts'
import type { Reconciler } from './reconcile.ts'
import type { Store } from './store/store.ts'

/** How long a teardown waits for guests to give their VIPs back. */
const TEARDOWN_MS = 30_000

export interface ControlOptions {
  readonly applier: Applier
  readonly store: Store
  readonly reconciler: Reconciler
  readonly loop: DirtyLoop
  readonly log: Log
  readonly clock: Clock
  readonly listeners: Set<() => void>
  mark(reason: string): void
  reloadServices(): Promise<void>
}

/** Rereads every input, compares every flow with the switch, and resolves when the switch has confirmed. */
export async function resync({ applier, loop, mark, reloadServices }: ControlOptions): Promise<ResyncReply> {
  const before = { ...applier.counts }
  await reloadServices()
  applier.distrust({ retryRefused: true })
  mark('resync')
  await loop.idle()
  const { added, changed, deleted } = applier.counts
  return {
    flowsAdded: added - before.added,
    flowsChanged: changed - before.changed,
    flowsDeleted: deleted - before.deleted,
  }
}

/**
 * Takes everything out: first the VIPs out of the guests, whose shields stay until they are gone, then the flows.
 * Guests that do not answer in time keep theirs, and the reply's counts tell.
 *
 * @param options.removeOthers - what is not in the flow table: tunnel port, time-outs
 */
export async function teardown(options: ControlOptions & { removeOthers(): Promise<unknown> }): Promise<TeardownReply> {
  const { applier, store, reconciler, loop, log, clock, listeners, mark } = options
  const vips = store.guestRecords.list().length
  const { deleted } = applier.counts
  log.notice('teardown: everything is taken out of the switch and out of the guests, until the agent is restarted')
  reconciler.withdraw()
  mark('teardown')
  const until = clock.now() + TEARDOWN_MS
  await loop.idle()
  while (store.guestRecords.list().length > 0 && clock.now() < until) {
    await nextChange(listeners, clock, until - clock.now())
    await loop.idle()
  }
  await options.removeOthers()
  return { flowsDeleted: applier.counts.deleted - deleted, vipsRemoved: vips - store.guestRecords.list().length }
}

/** Resolves at the next change of the agent's status, or after `ms`. */
function nextChange(listeners: Set<() => void>, clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      listeners.delete(done)
      cancel()
      resolve()
    }
    const cancel = clock.after(ms, done)
    listeners.add(done)
  })
}
