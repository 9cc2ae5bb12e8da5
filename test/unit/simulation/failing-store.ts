import type { Store } from '../../../agent/store/store.ts'
import { CrossportError } from '../../../shared/errors.ts'

/** Beside those of the guests' records, the service files and the flows. */
export const WRITES = [
  'setDirector',
  'setDirectors',
  'setDocuments',
  'setContested',
  'changeServices',
  'setDomains',
  'setAllocations',
  'changeAllocations',
  'changeReadyRuns',
  'setOwnAddresses',
] as const

type Write = (typeof WRITES)[number] | 'vipNumbers'

/** A store whose disk is full for a while. */
export interface FailingStore extends Store {
  /** Makes the next writes fail, of all kinds or of one. */
  fail(times: number, write?: Write): void
  /** Number of failures to come. */
  readonly left: number
}

export function failingStore(store: Store): FailingStore {
  let left = 0
  let only: Write | undefined
  const guarded = (name: Write, write: (...args: never[]) => void) => {
    return (...args: never[]) => {
      if (left > 0 && (only ?? name) === name) {
        left--
        throw new CrossportError('STORE_FAILED', 'the disk is full')
      }
      write(...args)
    }
  }
  return {
    ...store,
    ...(Object.fromEntries(WRITES.map(name => [name, guarded(name, store[name])])) as Pick<
      Store,
      (typeof WRITES)[number]
    >),
    vipNumbers: { ...store.vipNumbers, save: guarded('vipNumbers', store.vipNumbers.save) },
    fail: (times, write) => {
      left = times
      only = write
    },
    get left() {
      return left
    },
  }
}
