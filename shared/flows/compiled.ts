import type { Flow, Group } from './types.ts'

/**
 * What the bridge must hold, by the object that it is for (a service, a real server, a VM's port). `signature` stands
 * for everything that the object's state depends on: while it stays the same, the state need not be made again.
 */
export type Compiled = ReadonlyMap<string, CompiledObject>

export interface CompiledObject {
  readonly signature: string
  /** The same each time: they are made again whenever they are needed. */
  flows(): readonly Flow[]
  groups?(): readonly Group[]
}
