import type { KnownPrints, WrittenFlows } from '../flows/table.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'

/** Where desired state is kept beyond this process, for people and for the next process. */
export interface DesiredStore {
  /** Writes those whose signature is another than that of their row; one without flows has no row. Throws when it cannot. */
  setDesired(objects: Iterable<SavedObject>): void
  /** Prints of what was written, for as long as it is asked. Loads them all. */
  knownPrints?(): KnownPrints
  /** Removes the rows of all others. */
  keepDesired(has: (object: string) => boolean): void
  setOutcome(outcome: { readonly at: string; readonly flows: number; readonly error?: string }): void
}

export interface SavedObject {
  readonly object: string
  readonly signature: string
  flows(): WrittenFlows
}

export interface SaverOptions {
  readonly store: Pick<DesiredStore, 'setDesired' | 'keepDesired'>
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  /** What is to be written of an object; undefined: it is gone. */
  saved(object: string): SavedObject | undefined
}

const NO_FLOWS: WrittenFlows = { texts: [], prints: new Uint8Array() }

/** Objects that are written at a time: few milliseconds, for a change must not have to wait for them. */
const LOT = 32

/**
 * Writes desired state down after the switch has confirmed it, and many objects in lots, with room for others between
 * them: no decision is taken from these rows, which are made of the inputs again at every start.
 */
export function createSaver({ store, clock, log, saved }: SaverOptions) {
  const unsaved = new Set<string>()
  let compared = false
  let cancel: (() => void) | undefined

  const writeLot = () => {
    const lot = unsaved.values().take(LOT).toArray()
    store.setDesired(lot.map(object => saved(object) ?? { object, signature: '', flows: () => NO_FLOWS }))
    for (const object of lot) unsaved.delete(object)
    if (unsaved.size > 0) return
    if (!compared) store.keepDesired(object => saved(object) !== undefined)
    compared = true
    log.debug('desired flows are written down')
  }

  const goOn = () => {
    cancel = undefined
    try {
      writeLot()
    } catch (err) {
      return log.warn('desired flows could not be written down; they are with the next change', { err })
    }
    if (unsaved.size > 0) cancel = clock.after(1, goOn)
  }

  return {
    changed: (object: string): void => void unsaved.add(object),
    /** As Applier.save. */
    write: (): void => {
      if (cancel !== undefined || (unsaved.size === 0 && compared)) return
      writeLot()
      if (unsaved.size > 0) cancel = clock.after(1, goOn)
    },
    close: (): void => cancel?.(),
  }
}
