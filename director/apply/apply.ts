import { changeSize } from '../../shared/flows/diff.ts'
import { createFlowTable } from '../../shared/flows/table.ts'
import type { Switch } from '../../shared/switch/types.ts'
import type { Compiled } from '../compile/types.ts'

export interface Applied {
  readonly added: number
  readonly changed: number
  readonly deleted: number
}

/** Brings the bridge to what was compiled: read back, take the difference, one atomic bundle. */
export interface Applier {
  /** What the switch holds is no longer known (reconnected, or changed by a stranger): it is read before the next change. */
  distrust(): void
  /** Resolves when the switch has confirmed. Throws what the switch said; the difference stays to be done. */
  apply(compiled: Compiled, sw: Switch): Promise<Applied>
  /** The switch has confirmed this object as it was compiled last. */
  confirmed(object: string): boolean
  readonly counts: Counts
}

export interface Counts {
  readonly desiredFlows: number
  readonly desiredGroups: number
  readonly installedFlows: number
  readonly commits: number
  /** Flows and groups that this process has added, changed or deleted. */
  readonly changes: number
}

export function createApplier(): Applier {
  const table = createFlowTable()
  const signatures = new Map<string, string>()
  const sizes = new Map<string, { flows: number; groups: number }>()
  const unconfirmed = new Set<string>()
  let trusted = false
  let installedFlows = 0
  let commits = 0
  let changes = 0

  const take = (compiled: Compiled) => {
    for (const [object, { signature, state }] of compiled) {
      if (signatures.get(object) === signature) continue
      const wanted = state()
      table.set(object, wanted)
      signatures.set(object, signature)
      sizes.set(object, { flows: wanted.flows.length, groups: wanted.groups.length })
      unconfirmed.add(object)
    }
    for (const object of [...signatures.keys()].filter(name => !compiled.has(name))) {
      table.set(object, { flows: [], groups: [] })
      signatures.delete(object)
      sizes.delete(object)
      unconfirmed.delete(object)
    }
  }

  return {
    distrust: () => {
      trusted = false
    },
    apply: async (compiled, sw) => {
      take(compiled)
      if (!trusted) {
        trusted = true
        try {
          const installed = await sw.readInstalled()
          table.readBack(installed)
          installedFlows = installed.flows.length
        } catch (error) {
          trusted = false
          throw error
        }
      }
      const change = table.change()
      if (changeSize(change) > 0) {
        try {
          await sw.commit(change)
        } catch (error) {
          // Whether a bundle that failed underway was committed is not known.
          trusted = false
          throw error
        }
        table.confirm(change)
        commits++
        changes += changeSize(change)
        installedFlows += change.addFlows.length - change.deleteFlows.length
      }
      unconfirmed.clear()
      return {
        added: change.addFlows.length + change.addGroups.length,
        changed: change.replaceFlows.length + change.modifyGroups.length,
        deleted: change.deleteFlows.length + change.deleteGroups.length,
      }
    },
    confirmed: object => signatures.has(object) && !unconfirmed.has(object),
    get counts() {
      const total = (part: 'flows' | 'groups') => sizes.values().reduce((sum, size) => sum + size[part], 0)
      return { desiredFlows: total('flows'), desiredGroups: total('groups'), installedFlows, commits, changes }
    },
  }
}
