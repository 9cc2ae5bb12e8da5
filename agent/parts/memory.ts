import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { takeOutcomes } from '../outcome.ts'
import { createMemory } from '../outlets/memory.ts'

/** What the state file keeps of an outcome. The last to take it: a state file that cannot be written keeps nobody waiting. */
export function memory({ cells, store, records, numbers, ready, applier, loop, log }: House): Stop {
  const save = createMemory({ store, records, numbers, ready, applier })
  try {
    return takeOutcomes(cells.outcome, save)
  } catch (err) {
    // The next pass fails for the same reason, and is repeated until the file can be written.
    log.warn('the state file cannot be written', { err })
    loop.mark('memory')
    return cells.outcome.subscribe(() => save(cells.outcome.get()))
  }
}
