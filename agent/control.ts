import type { ResyncReply } from '../shared/rpc/gen/crossport/v1/ResyncReply.ts'
import type { TeardownReply } from '../shared/rpc/gen/crossport/v1/TeardownReply.ts'
import type { Topic } from '../shared/run/cell.ts'
import type { Clock } from '../shared/run/clock.ts'
import type { House } from './house.ts'

/** Longest wait of a teardown for guests to remove their VIPs. */
const TEARDOWN_MS = 30_000

/** Rereads every input, compares every flow with the switch, and resolves when the switch has confirmed. */
export async function resync({ applier, loop, cells }: House): Promise<ResyncReply> {
  const before = { ...applier.counts }
  await cells.serviceFiles.get()?.reload()
  applier.distrust({ retryRefused: true })
  loop.mark('resync')
  await loop.idle()
  const { added, changed, deleted } = applier.counts
  return {
    flowsAdded: added - before.added,
    flowsChanged: changed - before.changed,
    flowsDeleted: deleted - before.deleted,
  }
}

/**
 * Removes everything. The VIPs leave the guests first, and their shields stay until then; the flows follow; the settings outside
 * the flow table (tunnel port, time-outs) are last. Guests that do not answer in time keep their VIPs, and the reply's counts
 * show this.
 */
export async function teardown({
  applier,
  settings,
  records,
  loop,
  log,
  clock,
  changed,
  cells,
}: House): Promise<TeardownReply> {
  const vips = records.list().length
  const { deleted } = applier.counts
  log.notice('teardown: flows and VIPs are removed from the switch and the guests until the agent is restarted')
  cells.inputs.withdrawn.set(true)
  loop.mark('teardown')
  const until = clock.now() + TEARDOWN_MS
  await loop.idle()
  while (records.list().length > 0 && clock.now() < until) {
    await nextChange(changed, clock, until - clock.now())
    await loop.idle()
  }
  await cells.tunnelPort.get()?.remove()
  await settings.withdraw()
  return { flowsDeleted: applier.counts.deleted - deleted, vipsRemoved: vips - records.list().length }
}

/** Resolves at the next change of the agent's status, or after `ms`. */
function nextChange(changed: Topic<void>, clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      stop()
      cancel()
      resolve()
    }
    const stop = changed.subscribe(done)
    const cancel = clock.after(ms, done)
  })
}
