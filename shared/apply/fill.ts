import type { Applied } from './types.ts'

/** Flows of one bundle when an empty bridge is filled. */
const LOT = 8192

export interface FillOptions {
  /** What is known of the switch's flows can be relied on. */
  trusted(): boolean
  /** The bridge has nothing of ours, as far as that is known. */
  empty(): boolean
  /** Number of flows that have been taken over and are not in the switch. */
  additions(): number
  /** Sends what has been taken over. */
  commit(): Promise<Applied>
}

export interface Fill {
  /** Sends what has been taken over, if it is enough. Waits for the previous lot first. */
  next(): Promise<void>
  /** Waits until the switch has carried out everything that was sent. */
  end(): Promise<void>
  readonly applied: Applied
}

/**
 * Fills a bridge that has nothing of ours in lots: the switch carries one out while the next is taken over. A failed lot's
 * objects fail again when the rest is sent.
 */
export function createFill({ trusted, empty, additions, commit }: FillOptions): Fill {
  let applied = NOTHING
  let under: Promise<void> | undefined
  let sent = 0
  let begun = false
  const enough = () => trusted() && (begun || empty()) && additions() - sent >= LOT
  const end = async () => {
    await under
    under = undefined
    sent = 0
  }
  return {
    next: async () => {
      if (!enough()) return
      await end()
      if (!enough()) return
      begun = true
      sent = additions()
      under = commit().then(
        one => {
          applied = sum(applied, one)
        },
        () => {},
      )
    },
    end,
    get applied() {
      return applied
    },
  }
}

const NOTHING: Applied = { added: 0, changed: 0, deleted: 0 }

export const sum = (a: Applied, b: Applied): Applied => ({
  added: a.added + b.added,
  changed: a.changed + b.changed,
  deleted: a.deleted + b.deleted,
})
