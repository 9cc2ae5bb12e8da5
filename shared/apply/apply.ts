import { messageOf } from '../errors.ts'
import type { Compiled, CompiledObject } from '../flows/compiled.ts'
import { changeSize } from '../flows/diff.ts'
import { createFlowTable, type KnownPrints, type ReadBack, writtenFlows } from '../flows/table.ts'
import { createPace } from '../run/pace.ts'
import type { Switch } from '../switch/types.ts'
import { countable } from './countable.ts'
import { createFill, type Fill, sum } from './fill.ts'
import { createQuarantine } from './quarantine.ts'
import { createSaver } from './saver.ts'
import type { Applied, Applier, ApplierOptions } from './types.ts'

export type { DesiredStore } from './saver.ts'
export type { Applied, Applier, ApplyOptions, Counts } from './types.ts'

/** Flows that are taken over before other work gets its turn: some milliseconds. */
const FLOWS_AT_ONCE = 1000

const NONE_KNOWN: KnownPrints = () => undefined

/**
 * Refusals that one pass deals with. A switch that refuses everything must not keep the loop busy, so further ones are found in
 * the next pass.
 */
const REFUSALS_A_PASS = 16

export function createApplier({ log, clock, store }: ApplierOptions): Applier {
  /** Undefined: not loaded yet. Used until every object has been taken over once. */
  let remembered: KnownPrints | undefined
  const table = createFlowTable((object, signature) => {
    remembered ??= store?.knownPrints?.() ?? NONE_KNOWN
    return remembered(object, signature)
  })
  const quarantine = createQuarantine(table, log)
  const unconfirmed = new Set<string>()
  const counts = {
    get desiredFlows() {
      return table.size.flows + quarantine.withheld.flows
    },
    get desiredGroups() {
      return table.size.groups + quarantine.withheld.groups
    },
    installedFlows: 0,
    commits: 0,
    added: 0,
    changed: 0,
    deleted: 0,
  }
  const saver =
    store &&
    createSaver({
      store,
      clock,
      log,
      saved: object => {
        const asked = taken(object)
        return asked && { object, signature: asked.signature, flows: () => writtenFlows(asked.flows()) }
      },
    })
  let trusted = false
  /** What is wanted is in the switch. */
  let installed = false
  let reading = false
  let retryRefused = false
  /** The read of the switch that runs before anything is applied. */
  let ahead: Promise<void> | undefined

  /** The object's state when it was last taken over. */
  const taken = (object: string) => quarantine.asked(object) ?? table.wanted(object)

  const put = (object: string, wanted: CompiledObject | undefined): number => {
    const before = table.wanted(object)
    const known = before !== undefined && !unconfirmed.has(object) && !quarantine.has(object)
    quarantine.replaced(object, known ? before : undefined)
    saver?.changed(object)
    return table.set(object, wanted)
  }

  /** Takes one object over. Returns the number of its flows; undefined: the object has not changed. */
  const takeOne = (object: string, compiled: Compiled): number | undefined => {
    const now = compiled.get(object)
    if (now?.signature === taken(object)?.signature) return undefined
    const flows = put(object, now)
    if (now !== undefined) unconfirmed.add(object)
    else {
      unconfirmed.delete(object)
      quarantine.gone(object)
    }
    return flows
  }

  /** Takes over the objects that differ from the last pass. */
  const take = async (compiled: Compiled, changed: Iterable<string> | undefined, fill: Fill) => {
    const pace = createPace(FLOWS_AT_ONCE)
    let news = false
    const takeAll = async (objects: Iterable<string>) => {
      for (const object of objects) {
        const flows = takeOne(object, compiled)
        if (flows === undefined) continue
        news = true
        const rest = pace(flows)
        if (rest === undefined) continue
        await rest
        await fill.next()
      }
    }
    await takeAll(changed ?? compiled.keys())
    await fill.end()
    if (changed === undefined) await takeAll([...table.objects, ...quarantine.list.map(one => one.object)])
    if (!retryRefused && !news) return
    const which = retryRefused ? 'all' : 'clashes'
    retryRefused = false
    await takeAll(quarantine.release(which))
  }

  const read = async (sw: Pick<Switch, 'readInstalled'>, { known, done }: ReadBack) => {
    // Set before the read, so that a distrust during the read is not lost.
    trusted = true
    reading = true
    try {
      counts.installedFlows = done(await sw.readInstalled(known))
    } catch (error) {
      trusted = false
      throw error
    } finally {
      reading = false
    }
  }

  const tell = (error?: unknown) => {
    const committed = { at: clock.wall().toISOString(), flows: counts.installedFlows }
    const failure = error === undefined ? {} : { error: messageOf(error) }
    try {
      store?.setLastCommit({ ...committed, ...failure })
    } catch (err) {
      // The result is only for status: what the switch has confirmed stays confirmed.
      log.debug('the result could not be saved', { err: err as Error })
    }
  }

  const commit = async (sw: Pick<Switch, 'commit'>, sweep: boolean): Promise<Applied> => {
    const change = table.change({ sweep })
    const applied = {
      added: change.addFlows.length + change.addGroups.length,
      changed: change.replaceFlows.length + change.modifyGroups.length,
      deleted: change.deleteFlows.length + change.deleteGroups.length,
    }
    if (changeSize(change) === 0) return applied
    const [added, replaced, deleted] = [change.addFlows, change.replaceFlows, change.deleteFlows].map(countable)
    try {
      await sw.commit({ ...change, addFlows: added!, replaceFlows: replaced!, deleteFlows: deleted! })
    } catch (error) {
      // When a bundle fails under way, it is not known whether it was committed.
      trusted = false
      throw error
    }
    table.confirm(change)
    counts.commits++
    counts.added += change.addGroups.length + added!.countable
    counts.changed += replaced!.countable
    counts.deleted += change.deleteGroups.length + deleted!.countable
    counts.installedFlows += change.addFlows.length - change.deleteFlows.length
    tell()
    return applied
  }

  const startFill = (sw: Pick<Switch, 'commit'>) =>
    createFill({
      trusted: () => trusted,
      empty: () => !reading && counts.installedFlows === 0,
      additions: () => table.additions,
      commit: () => commit(sw, false),
    })

  return {
    distrust: options => {
      trusted = false
      if (options?.retryRefused === true) retryRefused = true
    },
    readAhead: sw => {
      if (ahead !== undefined || table.size.flows > 0) return
      // A failure occurs again in the read that follows.
      ahead = read(sw, table.readAhead()).catch(() => {})
    },
    apply: async (compiled, sw, { sweep = true, changed } = {}) => {
      installed = false
      const fill = startFill(sw)
      await take(compiled, changed, fill)
      if (ahead !== undefined) {
        await ahead
        ahead = undefined
        if (table.undescribed) trusted = false
      }
      for (let refusals = 0; ; refusals++) {
        if (!trusted) await read(sw, table.readBack())
        try {
          const applied = await commit(sw, sweep)
          unconfirmed.clear()
          quarantine.confirmed()
          remembered = NONE_KNOWN
          installed = true
          return sum(fill.applied, applied)
        } catch (error) {
          tell(error)
          if (refusals >= REFUSALS_A_PASS || !quarantine.take(error)) throw error
        }
      }
    },
    save: () => {
      if (installed) saver?.write()
    },
    confirmed: object => table.wanted(object) !== undefined && !unconfirmed.has(object) && !quarantine.has(object),
    get quarantined() {
      return quarantine.list
    },
    isOurs: table.has,
    counts,
    close: () => saver?.close(),
  }
}
