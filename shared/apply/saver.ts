import type { KnownPrints, WrittenFlows } from '../flows/table.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'

/** Where desired state is kept beyond this process, for operators and for the next process. */
export interface DesiredStore {
  /**
   * Writes the objects whose signature differs from that of their row; an object without flows has no row. Throws when it cannot
   * write.
   */
  setDesired(objects: Iterable<SavedObject>): void
  /** Loads the prints of what was written. */
  knownPrints?(): KnownPrints
  /** Removes the rows of all other objects. */
  keepDesired(has: (object: string) => boolean): void
  /** The switch's answer to the newest change; without `error` it has confirmed. */
  setLastCommit(commit: { readonly at: string; readonly flows: number; readonly error?: string }): void
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
  /** What to write for an object; undefined: the object has been removed. */
  saved(object: string): SavedObject | undefined
}

const NO_FLOWS: WrittenFlows = { texts: [], prints: new Uint8Array() }

/** Objects that are written at a time: a few milliseconds, because changes must not have to wait for them. */
const LOT = 32

/**
 * Writes desired state down after the switch has confirmed it, many objects in lots, so that other work runs in between. No
 * decision depends on these rows: desired state is made from the inputs again at every start.
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
    log.debug('desired flows were saved')
  }

  const goOn = () => {
    cancel = undefined
    try {
      writeLot()
    } catch (err) {
      return log.warn('desired flows could not be saved; the next change saves them', { err })
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
