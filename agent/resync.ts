import { CrossportError } from '../shared/errors.ts'
import type { ResyncReply } from '../shared/rpc/gen/crossport/v1/ResyncReply.ts'
import { nextChange } from '../shared/run/wait.ts'
import { readInputs } from './cells.ts'
import type { House } from './house.ts'
import { missing } from './inputs.ts'

/** Whether the loop fails is looked at so often. */
const LOOK_MS = 200

/**
 * Rereads every input, compares every flow with the switch, and resolves when the switch has confirmed.
 *
 * @throws NOT_IN_SYNC while an input is away that a pass needs; what the pass fails with
 */
export async function resync({ applier, loop, cells, clock, changed: changes }: House): Promise<ResyncReply> {
  const what = missing(readInputs(cells.inputs))
  if (what !== undefined) throw new CrossportError('NOT_IN_SYNC', `cannot resync: waiting for ${what}`)
  const before = { ...applier.counts }
  await cells.serviceFiles.get()?.reload()
  applier.distrust({ retryRefused: true })
  loop.mark('resync')
  const { failures } = loop
  while (loop.dirty || loop.acting) {
    if (loop.lastError !== undefined && loop.failures > failures) throw loop.lastError
    await Promise.race([loop.idle(), nextChange(changes, clock, LOOK_MS)])
  }
  const { added, changed, deleted } = applier.counts
  return {
    flowsAdded: added - before.added,
    flowsChanged: changed - before.changed,
    flowsDeleted: deleted - before.deleted,
  }
}
