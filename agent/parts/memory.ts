import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createMemory } from '../outlets/memory.ts'

/** What the state file keeps of an outcome. It comes after the reports, whose readiness it writes. */
export function memory({ outlets, store, records, numbers, ready, applier }: House): Stop {
  return outlets.plug({ name: 'memory', take: createMemory({ store, records, numbers, ready, applier }) })
}
