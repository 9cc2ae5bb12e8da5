import { CrossportError } from '../errors.ts'
import type { CompiledObject } from '../flows/compiled.ts'
import type { FlowTable } from '../flows/table.ts'
import type { Log } from '../log.ts'

export interface Quarantined {
  readonly object: string
  readonly reason: string
}

/** Objects that the switch has refused. Each keeps its last confirmed state, where that is known; all other objects go on. */
export interface Quarantine {
  has(object: string): boolean
  /** The state that a refused object should have. */
  asked(object: string): CompiledObject | undefined
  /** Called when an object's state was replaced; `before` is its last confirmed state. A refused object leaves quarantine. */
  replaced(object: string, before: CompiledObject | undefined): void
  gone(object: string): void
  /** Quarantines the object that the error names. Returns true when the rest can be tried again. */
  take(error: unknown): boolean
  /** Releases all refused objects, or those that merely clashed with another object. Returns them: they must be set anew. */
  release(which: 'all' | 'clashes'): readonly string[]
  /** Called when everything that was replaced is in force. */
  confirmed(): void
  readonly list: readonly Quarantined[]
  /** How many more flows and groups the refused objects should have. */
  readonly withheld: { readonly flows: number; readonly groups: number }
}

interface Refused {
  readonly asked: CompiledObject
  readonly kept: CompiledObject | undefined
  readonly reason: string
  readonly clash: boolean
}

export function createQuarantine(table: FlowTable, log: Log): Quarantine {
  const refused = new Map<string, Refused>()
  const told = new Map<string, string>()
  const previous = new Map<string, CompiledObject>()

  return {
    has: object => refused.has(object),
    asked: object => refused.get(object)?.asked,
    replaced: (object, before) => {
      refused.delete(object)
      if (before !== undefined) previous.set(object, before)
    },
    gone: object => {
      refused.delete(object)
      previous.delete(object)
      told.delete(object)
    },
    take: error => {
      const object = culprit(error, table)
      const again = object === undefined ? undefined : refused.get(object)
      const asked = again?.asked ?? (object === undefined ? undefined : table.wanted(object))
      if (object === undefined || asked === undefined || (again !== undefined && again.kept === undefined)) return false
      const before = again === undefined ? previous.get(object) : undefined
      const { code, message: reason } = error as CrossportError
      refused.set(object, { asked, kept: before, reason, clash: code === 'FLOW_DUPLICATE' })
      table.set(object, before)
      if (told.get(object) === reason) return true
      told.set(object, reason)
      const kept = before === undefined ? 'its flows are left out' : 'what it had before stays in force'
      log.error(`flows of ${object} are refused; ${kept}, all others go on`, { err: error as Error })
      return true
    },
    release: which => {
      const objects = [...refused].flatMap(([object, { clash }]) => (which === 'all' || clash ? [object] : []))
      for (const object of objects) refused.delete(object)
      return objects
    },
    confirmed: () => previous.clear(),
    get list() {
      return [...refused].map(([object, { reason }]) => ({ object, reason }))
    },
    get withheld() {
      let flows = 0
      let groups = 0
      for (const { asked, kept } of refused.values()) {
        flows += asked.flows().length - (kept?.flows().length ?? 0)
        groups += (asked.groups?.().length ?? 0) - (kept?.groups?.().length ?? 0)
      }
      return { flows, groups }
    },
  }
}

/** The object whose flow or group the error names. */
function culprit(error: unknown, table: FlowTable): string | undefined {
  if (!(error instanceof CrossportError)) return undefined
  const { FLOW_KEY, GROUP_ID, OBJECT } = error.fields
  if (error.code === 'FLOW_DUPLICATE') return OBJECT === undefined ? undefined : String(OBJECT)
  if (error.code !== 'SWITCH_REJECTED') return undefined
  if (FLOW_KEY !== undefined) return table.ownerOfFlow(String(FLOW_KEY))
  return GROUP_ID === undefined ? undefined : table.ownerOfGroup(Number(GROUP_ID))
}
