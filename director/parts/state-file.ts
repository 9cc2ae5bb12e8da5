import type { Part } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** Closed after everything that writes to it. */
export function stateFile({ store }: House): Part {
  return { name: 'state file', start: () => () => store.close() }
}
