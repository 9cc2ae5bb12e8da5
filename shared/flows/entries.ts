import { createPrint, type Print, printFlow } from '../openflow/print.ts'
import type { Flow } from './types.ts'

/**
 * One record for every flow key that is desired or installed: eight numbers in one array, so that a hundred thousand flows take a
 * few megabytes and no garbage. A record is named by its place, which is valid until the next `place`.
 */
export interface Entries {
  /**
   * Place of the record of this key; makes one where there is none. Removing a key keeps at least one of its records in place.
   */
  place(print: Print): number
  /** Place of the record of this key; -1: there is none. */
  find(print: Print): number
  claims(at: number): number
  /** Number of the object that claimed it last. */
  owner(at: number): number
  /** Adds one more claim, with this content. */
  claim(at: number, owner: number, print: Print): void
  unclaim(at: number): void
  isInstalled(at: number): boolean
  /** Sets what is installed; undefined: nothing any more. */
  install(at: number, print: Print | undefined): void
  /** True when the last claim has this content. */
  isWanted(at: number, print: Print): boolean
  /** True when the installed content is that of the last claim. */
  isAsWanted(at: number): boolean
  /** Forgets everything that is installed. */
  forgetInstalled(): void
  /** Numbers of keys that are claimed and not installed; claimed and installed with other content; installed and not claimed. */
  readonly counts: { readonly missing: number; readonly different: number; readonly unclaimed: number }
  /** Places of the records whose installed content is not what is claimed. */
  unlike(): Iterable<number>
}

const WORDS = 8
/** USED: 0 for a record that was never used, else one more than its claims. New memory is all zero. */
const [KEY0, KEY1, WANT0, WANT1, HAVE0, HAVE1, OWNER, USED] = [0, 1, 2, 3, 4, 5, 6, 7]

export function createEntries(): Entries {
  let capacity = 64
  let words = new Int32Array(capacity * WORDS)
  let used = 0
  const counts = { missing: 0, different: 0, unclaimed: 0 }

  const probe = (key0: number, key1: number): number => {
    for (let slot = (key0 ^ (key1 << 7)) & (capacity - 1); ; slot = (slot + 1) & (capacity - 1)) {
      const at = slot * WORDS
      if (words[at + USED] === 0 || (words[at + KEY0] === key0 && words[at + KEY1] === key1)) return at
    }
  }

  /** Drops records that are neither claimed nor installed. */
  const rebuild = () => {
    const old = words
    let live = 0
    for (let at = 0; at < old.length; at += WORDS) if (isLive(old, at)) live++
    capacity = 64
    while (capacity < live * 2 + 2) capacity *= 2
    words = new Int32Array(capacity * WORDS)
    used = live
    for (let at = 0; at < old.length; at += WORDS) {
      if (!isLive(old, at)) continue
      const to = probe(old[at + KEY0]!, old[at + KEY1]!)
      for (let word = 0; word < WORDS; word++) words[to + word] = old[at + word]!
    }
  }

  const isLive = (array: Int32Array, at: number) => array[at + USED]! > 1 || array[at + HAVE1] !== 0
  const isClaimed = (at: number) => words[at + USED]! > 1
  const same = (at: number) => words[at + WANT0] === words[at + HAVE0] && words[at + WANT1] === words[at + HAVE1]

  /** Adds the record at `at` to the counts, or subtracts it. */
  const count = (at: number, by: 1 | -1) => {
    const [claimed, installed] = [isClaimed(at), words[at + HAVE1] !== 0]
    if (claimed && !installed) counts.missing += by
    else if (claimed && !same(at)) counts.different += by
    else if (!claimed && installed) counts.unclaimed += by
  }

  return {
    place: ({ key0, key1 }) => {
      let at = probe(key0, key1)
      if (words[at + USED] !== 0) return at
      if ((used + 1) * 4 > capacity * 3) {
        rebuild()
        at = probe(key0, key1)
      }
      used++
      words[at + KEY0] = key0
      words[at + KEY1] = key1
      words[at + USED] = 1
      return at
    },
    find: ({ key0, key1 }) => {
      const at = probe(key0, key1)
      return words[at + USED] === 0 ? -1 : at
    },
    claims: at => words[at + USED]! - 1,
    owner: at => words[at + OWNER]!,
    claim: (at, owner, { content0, content1 }) => {
      count(at, -1)
      words[at + USED]!++
      words[at + OWNER] = owner
      words[at + WANT0] = content0
      words[at + WANT1] = content1
      count(at, 1)
    },
    unclaim: at => {
      count(at, -1)
      words[at + USED]!--
      count(at, 1)
    },
    isInstalled: at => words[at + HAVE1] !== 0,
    install: (at, print) => {
      count(at, -1)
      words[at + HAVE0] = print?.content0 ?? 0
      words[at + HAVE1] = print?.content1 ?? 0
      count(at, 1)
    },
    isWanted: (at, { content0, content1 }) =>
      isClaimed(at) && words[at + WANT0] === content0 && words[at + WANT1] === content1,
    isAsWanted: same,
    forgetInstalled: () => {
      counts.missing = counts.different = counts.unclaimed = 0
      for (let at = 0; at < words.length; at += WORDS) {
        if (words[at + USED] === 0) continue
        words[at + HAVE0] = words[at + HAVE1] = 0
        count(at, 1)
      }
    },
    counts,
    *unlike() {
      for (let at = 0; at < words.length; at += WORDS) if (isClaimed(at) && !same(at)) yield at
    },
  }
}

const print = createPrint()

/** The flow's print, valid until the next call. Throws OPENFLOW_VALUE_INVALID. */
export function printOf(flow: Flow): Print {
  printFlow(print, flow)
  return print
}
