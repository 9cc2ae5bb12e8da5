import type { Compiled } from '../flows/compiled.ts'
import { decodeCookie } from '../flows/cookie.ts'
import { changeSize, NO_CHANGE } from '../flows/diff.ts'
import { createFlowTable } from '../flows/table.ts'
import type { Change, DesiredState, Flow } from '../flows/types.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'
import type { Switch } from '../switch/types.ts'
import { createQuarantine, type Quarantined } from './quarantine.ts'

/** Where desired state is kept beyond this process. */
export interface DesiredStore {
  desiredObjects(): ReadonlySet<string>
  /** Each object's flows in ovs-ofctl's notation; an empty list removes the object. Throws: nothing goes to the switch. */
  setDesired(changed: ReadonlyMap<string, readonly string[]>): void
  setOutcome(outcome: { readonly at: string; readonly flows: number; readonly error?: string }): void
}

export interface ApplierOptions {
  readonly log: Log
  readonly clock: Pick<Clock, 'wall'>
  readonly store?: DesiredStore
}

/** Flows and groups, together. */
export interface Applied {
  readonly added: number
  readonly changed: number
  readonly deleted: number
}

export interface ApplyOptions {
  /** False: nothing is deleted, for inputs are not all in sync yet. Default true. */
  readonly sweep?: boolean
  /** The objects that may differ from what was applied last, gone ones included. Default: any may. */
  readonly changed?: Iterable<string>
}

/** Brings the bridge to what was compiled: read back, take the difference, one atomic bundle, write down the outcome. */
export interface Applier {
  /**
   * What the switch holds is no longer known (reconnected, or a stranger changed it): it is read before the next
   * change. `retryRefused`: it may be another switch by now, so what was refused is tried again.
   */
  distrust(options?: { readonly retryRefused?: boolean }): void
  /** Resolves when the switch has confirmed. Throws what the switch said; the difference stays to be done. */
  apply(compiled: Compiled, sw: Pick<Switch, 'readInstalled' | 'commit'>, options?: ApplyOptions): Promise<Applied>
  /** The switch has confirmed this object as it was compiled last. */
  confirmed(object: string): boolean
  /** Objects that the switch refused; tried again when their state changes. */
  readonly quarantined: readonly Quarantined[]
  readonly counts: Readonly<Counts>
}

export interface Counts {
  desiredFlows: number
  desiredGroups: number
  installedFlows: number
  /**
   * What this process has done since it started: bundles, and flows and groups in them. A group that is changed is not
   * counted, nor are flows of kind 'turn': they follow the load on the director, which is no sign of anything.
   */
  commits: number
  added: number
  changed: number
  deleted: number
}

/** A switch that refuses everything must not keep the loop busy: the next ones are found out in the next pass. */
const REFUSALS_A_PASS = 16

export function createApplier({ log, clock, store }: ApplierOptions): Applier {
  const table = createFlowTable()
  const quarantine = createQuarantine(table, log)
  const signatures = new Map<string, string>()
  const unconfirmed = new Set<string>()
  const unsaved = new Set<string>()
  /** Flows and groups that each object asks for, in quarantine or not: the table holds what it gets. */
  const asked = new Map<string, readonly [flows: number, groups: number]>()
  const counts: Counts = {
    desiredFlows: 0,
    desiredGroups: 0,
    installedFlows: 0,
    commits: 0,
    added: 0,
    changed: 0,
    deleted: 0,
  }
  let trusted = false
  let retryRefused = false
  /** Left over from before this process; undefined once compared. */
  let leftOver = store?.desiredObjects()

  const put = (object: string, wanted: DesiredState) => {
    const before = table.wanted(object)
    const known = before !== undefined && !unconfirmed.has(object) && !quarantine.has(object)
    quarantine.replaced(object, known ? before : undefined)
    table.set(object, wanted)
    const [flows, groups] = asked.get(object) ?? [0, 0]
    counts.desiredFlows += wanted.flows.length - flows
    counts.desiredGroups += wanted.groups.length - groups
    if (wanted.flows.length + wanted.groups.length === 0) asked.delete(object)
    else asked.set(object, [wanted.flows.length, wanted.groups.length])
    unsaved.add(object)
  }

  const takeOne = (object: string, compiled: Compiled) => {
    const now = compiled.get(object)
    if (now?.signature === signatures.get(object)) return
    if (now !== undefined) {
      put(object, now.state())
      signatures.set(object, now.signature)
      unconfirmed.add(object)
    } else {
      put(object, { flows: [], groups: [] })
      signatures.delete(object)
      unconfirmed.delete(object)
      quarantine.gone(object)
    }
  }

  /** Takes over what differs from the last pass. */
  const take = (compiled: Compiled, changed: Iterable<string> | undefined) => {
    const { size } = unsaved
    for (const object of changed ?? compiled.keys()) takeOne(object, compiled)
    if (changed === undefined) for (const object of signatures.keys()) takeOne(object, compiled)
    for (const object of leftOver ?? []) if (!compiled.has(object)) unsaved.add(object)
    leftOver = undefined
    if (!retryRefused && unsaved.size === size) return
    for (const object of quarantine.release(retryRefused ? 'all' : 'clashes')) {
      signatures.delete(object)
      takeOne(object, compiled)
    }
    retryRefused = false
  }

  const save = () => {
    if (unsaved.size === 0 || store === undefined) return
    store.setDesired(new Map(Array.from(unsaved, object => [object, table.texts(object)])))
    unsaved.clear()
  }

  const readBack = async (sw: Pick<Switch, 'readInstalled'>) => {
    // Set first: a distrust that comes while the switch is being read must not be lost.
    trusted = true
    try {
      const installed = await sw.readInstalled()
      table.readBack(installed)
      counts.installedFlows = installed.flows.length
    } catch (error) {
      trusted = false
      throw error
    }
  }

  const tell = (error?: unknown) => {
    const outcome = { at: clock.wall().toISOString(), flows: counts.installedFlows }
    const failure = error === undefined ? {} : { error: error instanceof Error ? error.message : String(error) }
    try {
      store?.setOutcome({ ...outcome, ...failure })
    } catch (err) {
      // It is for status only: what the switch has confirmed stays confirmed.
      log.debug('the outcome could not be written down', { err: err as Error })
    }
  }

  const commit = async (sw: Pick<Switch, 'commit'>, sweep: boolean): Promise<Applied> => {
    const change = restricted(table.change(), sweep)
    const applied = {
      added: change.addFlows.length + change.addGroups.length,
      changed: change.replaceFlows.length + change.modifyGroups.length,
      deleted: change.deleteFlows.length + change.deleteGroups.length,
    }
    if (changeSize(change) === 0) return applied
    try {
      await sw.commit(change)
    } catch (error) {
      // Whether a bundle that failed underway was committed is not known.
      trusted = false
      throw error
    }
    table.confirm(change)
    counts.commits++
    counts.added += change.addGroups.length + countable(change.addFlows)
    counts.changed += countable(change.replaceFlows)
    counts.deleted += change.deleteGroups.length + countable(change.deleteFlows)
    counts.installedFlows += change.addFlows.length - change.deleteFlows.length
    tell()
    return applied
  }

  return {
    distrust: options => {
      trusted = false
      if (options?.retryRefused === true) retryRefused = true
    },
    apply: async (compiled, sw, { sweep = true, changed } = {}) => {
      take(compiled, changed)
      save()
      for (let refusals = 0; ; refusals++) {
        if (!trusted) await readBack(sw)
        try {
          const applied = await commit(sw, sweep)
          unconfirmed.clear()
          quarantine.confirmed()
          return applied
        } catch (error) {
          tell(error)
          if (refusals >= REFUSALS_A_PASS || !quarantine.take(error)) throw error
        }
      }
    },
    confirmed: object => signatures.has(object) && !unconfirmed.has(object) && !quarantine.has(object),
    get quarantined() {
      return quarantine.list
    },
    counts,
  }
}

function countable(flows: readonly Flow[]): number {
  return flows.filter(({ cookie }) => decodeCookie(cookie)?.kind !== 'turn').length
}

function restricted(change: Change, sweep: boolean): Change {
  if (sweep) return change
  const { addGroups, modifyGroups, addFlows, replaceFlows } = change
  return { ...NO_CHANGE, addGroups, modifyGroups, addFlows, replaceFlows }
}
