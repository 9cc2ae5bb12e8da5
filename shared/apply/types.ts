import type { Compiled } from '../flows/compiled.ts'
import type { Flow } from '../flows/types.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'
import type { Switch } from '../switch/types.ts'
import type { Quarantined } from './quarantine.ts'
import type { DesiredStore } from './saver.ts'

export interface ApplierOptions {
  readonly log: Log
  readonly clock: Pick<Clock, 'wall' | 'after'>
  readonly store?: DesiredStore
}

/** Numbers of flows and groups, added together. */
export interface Applied {
  readonly added: number
  readonly changed: number
  readonly deleted: number
}

export interface ApplyOptions {
  /** False: nothing is deleted, because not all inputs are in sync yet. Default true. */
  readonly sweep?: boolean
  /** Objects that may differ from what was applied last, removed ones included. Default: any object may. */
  readonly changed?: Iterable<string>
}

/**
 * Brings the bridge to what was compiled: read back, take the difference, one atomic bundle (several only where the bridge
 * has nothing of ours yet).
 */
export interface Applier {
  /**
   * Drops what is known about the switch's flows, because it has reconnected or somebody else has changed them; they are read
   * before the next change. `retryRefused`: it may be another switch by now, so refused objects are tried again.
   */
  distrust(options?: { readonly retryRefused?: boolean }): void
  /** Starts reading the switch's flows while the desired ones are not known yet. Does nothing once something has been applied. */
  readAhead(sw: Pick<Switch, 'readInstalled'>): void
  /** Resolves when the switch has confirmed. Throws the switch's error; the difference stays to be done. */
  apply(compiled: Compiled, sw: Pick<Switch, 'readInstalled' | 'commit'>, options?: ApplyOptions): Promise<Applied>
  /**
   * Begins to write down what the switch has confirmed. Throws when that cannot be done; it is tried again the next time.
   */
  save(): void
  /** The switch has confirmed this object as it was compiled last. */
  confirmed(object: string): boolean
  /** Objects that the switch has refused; each is tried again when its state changes. */
  readonly quarantined: readonly Quarantined[]
  /** True when a flow of ours has, or should have, this flow's table, priority and match. */
  isOurs(flow: Flow): boolean
  readonly counts: Readonly<Counts>
  /** Stops writing the results down. */
  close(): void
}

export interface Counts {
  /** Number of desired flows, quarantined ones included. */
  readonly desiredFlows: number
  readonly desiredGroups: number
  installedFlows: number
  /**
   * What this process has done since it started: bundles, and flows and groups in them. Changed groups and flows of kind 'turn'
   * are not counted, because they follow the load on the director.
   */
  commits: number
  added: number
  changed: number
  deleted: number
}
