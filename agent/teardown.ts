import { CrossportError } from '../shared/errors.ts'
import type { TeardownReply } from '../shared/rpc/gen/crossport/v1/TeardownReply.ts'
import { aborted, nextChange } from '../shared/run/wait.ts'
import { readInputs } from './cells.ts'
import type { House } from './house.ts'
import { missing } from './inputs.ts'

/** How long a teardown waits for guests to give their VIPs back. */
const GUESTS_MS = 30_000
/** What it waits for is looked at again after so long, should nobody have told of a change. */
const LOOK_MS = 1000

/**
 * Takes everything out: first the VIPs out of the guests, whose shields stay until they are gone, then the flows, and last
 * what is not in the flow table: tunnel port, time-outs. Guests that do not answer in time keep theirs for now: the reply
 * counts what is removed, and status names what is left. Nothing is begun before all is there that it needs.
 *
 * @param signal - nobody waits for it any more: what was taken out is put back, and it rejects
 * @throws TEARDOWN_FORGOTTEN
 */
export async function teardown(
  house: House,
  waitingFor: (what: string) => void,
  signal: AbortSignal,
): Promise<TeardownReply> {
  const { applier, cells, log, loop, records, settings } = house
  const { withdrawn } = cells.inputs
  const before = withdrawn.get()
  const vips = records.list().length
  const { deleted } = applier.counts
  try {
    await takeOut(house, waitingFor, aborted(signal))
  } catch (cause) {
    withdrawn.set(before)
    loop.mark('teardown is forgotten')
    const err = new CrossportError('TEARDOWN_FORGOTTEN', 'the teardown did not come to its end, and is forgotten', {
      cause,
    })
    log.notice('what was taken out is put back', { err })
    throw err
  }
  await cells.tunnelPort.get()?.remove()
  await settings.withdraw()
  const vipsLeft = records.list().length
  return { flowsDeleted: applier.counts.deleted - deleted, vipsRemoved: vips - vipsLeft, vipsLeft }
}

/** Rejects when `gone` does. */
async function takeOut(
  { cells, changed, clock, log, loop, records }: House,
  waitingFor: (what: string) => void,
  gone: Promise<never>,
): Promise<void> {
  const change = (ms: number) => Promise.race([nextChange(changed, clock, ms), gone])
  for (let what = missing(readInputs(cells.inputs)); what !== undefined; what = missing(readInputs(cells.inputs))) {
    waitingFor(what)
    await change(LOOK_MS)
  }
  log.notice('teardown: everything is taken out of the switch and out of the guests, until the agent is restarted')
  cells.inputs.withdrawn.set(true)
  loop.mark('teardown')
  const done = async () => {
    while (loop.dirty || loop.acting) {
      const what = loop.waitingFor ?? loop.lastError?.message
      if (what !== undefined) waitingFor(what)
      await Promise.race([loop.idle(), change(LOOK_MS)])
    }
  }
  await done()
  const until = clock.now() + GUESTS_MS
  while (records.list().length > 0 && clock.now() < until) {
    waitingFor(`guests to give back ${records.list().length} VIPs`)
    await change(Math.min(LOOK_MS, until - clock.now()))
    await done()
  }
}
