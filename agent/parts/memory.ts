import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { takeOutcomes } from '../outcome.ts'

/**
 * Writes what the state file keeps of an outcome. This part takes the outcome last, so that a failed write delays nothing else.
 */
export function memory({ cells, ready, store, loop, log }: House): Stop {
  const save = ({ files }: { readonly files: Parameters<typeof store.serviceFiles.save>[0] }) => {
    ready.save()
    store.serviceFiles.save(files)
  }
  try {
    return takeOutcomes(cells.outcome, save)
  } catch (err) {
    // The next pass fails for the same reason, and is repeated until the file can be written.
    log.warn('the state file cannot be written', { err })
    loop.mark('memory')
    return cells.outcome.subscribe(() => save(cells.outcome.get()))
  }
}
