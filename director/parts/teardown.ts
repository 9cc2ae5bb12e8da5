import { CrossportError, messageOf } from '../../shared/errors.ts'
import type { TeardownReply } from '../../shared/rpc/gen/crossport/v1/TeardownReply.ts'
import { aborted, nextChange } from '../../shared/run/wait.ts'
import { missing } from '../cells.ts'
import type { House } from '../house.ts'

/** What it waits for is looked at again after so long, should nobody have told of a change. */
const LOOK_MS = 1000

/**
 * Takes everything out of the switch and its database, and keeps it so until `resync` or a restart. Nothing is begun before
 * all is there that it needs.
 *
 * @param signal - nobody waits for it any more: what was taken out is put back, and it rejects
 * @throws TEARDOWN_FORGOTTEN
 */
export async function teardown(
  { cells, clock, companions, log, loop }: House,
  waitingFor: (what: string) => void,
  signal: AbortSignal,
): Promise<TeardownReply> {
  const before = cells.tornDown.get()
  const gone = aborted(signal)
  const change = () => Promise.race([nextChange(cells.changed, clock, LOOK_MS), gone])

  /** Until it is done; what it fails with is what is waited for. */
  const persist = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await Promise.race([work(), gone])
      } catch (error) {
        if (signal.aborted) throw error
        waitingFor(messageOf(error))
        await change()
      }
    }
  }

  try {
    for (let what = missing(cells); what !== undefined; what = missing(cells)) {
      waitingFor(what)
      await change()
    }
    log.notice('teardown: everything is taken out of the switch, until a resync or a restart')
    const { deleted } = await persist(loop.teardown)
    await persist(companions.withdraw)
    return { flowsDeleted: deleted, vipsRemoved: 0 }
  } catch (cause) {
    cells.tornDown.set(before)
    cells.resync.publish()
    loop.mark('teardown is forgotten')
    const err = new CrossportError('TEARDOWN_FORGOTTEN', 'the teardown did not come to its end, and is forgotten', {
      cause,
    })
    log.notice('what was taken out is put back', { err })
    throw err
  }
}
