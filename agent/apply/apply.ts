import { CrossportError } from '../../shared/errors.ts'
import { changeSize, NO_CHANGE } from '../../shared/flows/diff.ts'
import { flowKey } from '../../shared/flows/key.ts'
import { createFlowTable } from '../../shared/flows/table.ts'
import type { Change, Flow } from '../../shared/flows/types.ts'
import type { Log } from '../../shared/log.ts'
import { flowText } from '../../shared/openflow/text.ts'
import type { Switch } from '../../shared/switch/types.ts'
import type { CompiledFlows } from '../compile/types.ts'
import type { Store } from '../store/store.ts'

export interface ApplierOptions {
  readonly store: Pick<Store, 'setDesired' | 'desiredObjects' | 'setOutcome'>
  readonly log: Log
}

export interface Applied {
  readonly added: number
  readonly changed: number
  readonly deleted: number
}

export interface Quarantined {
  readonly object: string
  readonly reason: string
}

/** Brings the bridge to the compiled flows: read back, take the difference, one atomic bundle, write down the outcome. */
export interface Applier {
  /** What the switch holds is no longer known (reconnected, or a stranger changed it): read it back before the next change. */
  distrust(): void
  /**
   * Resolves when the switch has confirmed. `sweep: false` deletes nothing: inputs are not all in sync yet.
   * Throws what the switch said; the difference stays to be done.
   */
  apply(compiled: CompiledFlows, sw: Switch, options: { readonly sweep: boolean }): Promise<Applied>
  /** The switch has confirmed all flows of this object as they were compiled last. */
  confirmed(object: string): boolean
  /** Objects that the switch refused; tried again when their flows change. */
  readonly quarantined: readonly Quarantined[]
  /** Flows, and what this process has done to them since it started. */
  readonly counts: Readonly<Record<'desired' | 'installed' | 'commits' | 'added' | 'replaced' | 'deleted', number>>
}

export function createApplier({ store, log }: ApplierOptions): Applier {
  const table = createFlowTable()
  const signatures = new Map<string, string>()
  const flowCounts = new Map<string, number>()
  const unconfirmed = new Set<string>()
  const refused = new Map<string, { readonly signature: string; readonly reason: string }>()
  const counts = { desired: 0, installed: 0, commits: 0, added: 0, replaced: 0, deleted: 0 }
  let trusted = false
  let stored = store.desiredObjects()

  /** Takes over what differs from the last pass, here and in the state file. */
  const take = (compiled: CompiledFlows) => {
    const changed = new Map<string, readonly string[]>()
    const put = (object: string, flows: readonly Flow[]) => {
      table.set(object, { flows, groups: [] })
      changed.set(object, flows.map(flowText))
      counts.desired += flows.length - (flowCounts.get(object) ?? 0)
      if (flows.length === 0) flowCounts.delete(object)
      else flowCounts.set(object, flows.length)
    }
    for (const [object, { signature, flows }] of compiled) {
      const quarantine = refused.get(object)
      if (quarantine !== undefined && quarantine.signature !== signature) refused.delete(object)
      if (signatures.get(object) === signature) continue
      signatures.set(object, signature)
      unconfirmed.add(object)
      put(object, flows())
    }
    for (const object of signatures.keys()) {
      if (compiled.has(object)) continue
      signatures.delete(object)
      refused.delete(object)
      unconfirmed.delete(object)
      put(object, [])
    }
    // Left over from before this process.
    for (const object of stored) if (!compiled.has(object)) changed.set(object, [])
    stored = new Set()
    if (changed.size > 0) store.setDesired(changed)
  }

  const quarantine = (error: unknown): boolean => {
    if (!(error instanceof CrossportError) || error.code !== 'SWITCH_REJECTED') return false
    const rejected = error.fields.FLOW_KEY
    const object = [...signatures.keys()].find(name => wants(name, String(rejected)))
    if (object === undefined || refused.has(object)) return false
    refused.set(object, { signature: signatures.get(object)!, reason: error.message })
    log.error(`the switch refuses a flow of ${object}; its flows are left out, all others are kept`, { err: error })
    table.set(object, { flows: [], groups: [] })
    return true
  }
  let current: CompiledFlows = new Map()
  const wants = (object: string, key: string) =>
    current
      .get(object)
      ?.flows()
      .some(flow => flowKey(flow) === key) ?? false

  return {
    distrust: () => {
      trusted = false
    },
    apply: async (compiled, sw, { sweep }) => {
      current = compiled
      take(compiled)
      if (!trusted) {
        // Set first: a distrust that comes while the switch is being read must not be lost.
        trusted = true
        try {
          const installed = await sw.readInstalled()
          table.readBack(installed)
          counts.installed = installed.flows.length
        } catch (error) {
          trusted = false
          throw error
        }
      }
      for (;;) {
        const change = restricted(table.change(), sweep)
        try {
          if (changeSize(change) > 0) {
            await sw.commit(change)
            table.confirm(change)
            counts.commits++
            counts.added += change.addFlows.length
            counts.replaced += change.replaceFlows.length
            counts.deleted += change.deleteFlows.length
            counts.installed += change.addFlows.length - change.deleteFlows.length
            store.setOutcome({ at: new Date().toISOString(), flows: counts.installed })
          }
          unconfirmed.clear()
          return {
            added: change.addFlows.length,
            changed: change.replaceFlows.length,
            deleted: change.deleteFlows.length,
          }
        } catch (error) {
          // Whether a bundle that failed underway was committed is not known.
          trusted = false
          store.setOutcome({
            at: new Date().toISOString(),
            flows: counts.installed,
            error: error instanceof Error ? error.message : String(error),
          })
          if (!quarantine(error)) throw error
          trusted = true
        }
      }
    },
    confirmed: object => signatures.has(object) && !unconfirmed.has(object) && !refused.has(object),
    get quarantined() {
      return [...refused].map(([object, { reason }]) => ({ object, reason }))
    },
    counts,
  }
}

function restricted(change: Change, sweep: boolean): Change {
  return sweep ? change : { ...NO_CHANGE, addFlows: change.addFlows, replaceFlows: change.replaceFlows }
}
