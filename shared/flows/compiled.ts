import type { Flow, Group } from './types.ts'

/**
 * What the bridge must hold, by object (a service, a real server, a VM's port). `signature` covers everything that the object's
 * state depends on: while it stays the same, the state need not be made again.
 */
export type Compiled = ReadonlyMap<string, CompiledObject>

export interface CompiledObject {
  readonly signature: string
  /** Makes the flows; the result is the same each time. */
  flows(): readonly Flow[]
  groups?(): readonly Group[]
}
