import type { Random } from '../unit/simulation/random.ts'
import type { World } from './world.ts'

/** Acts of one lane come one after the other; the lanes run beside each other. At most one host is broken at a time: the others serve. */
export type Lane = 'files' | 'hosts' | 'director'

/** Something that an operator does, or that a day brings. */
export interface Act {
  readonly name: string
  readonly lane: Lane
  /** Share among the acts of its lane. */
  readonly weight: number
  /** Chooses the details. It sees the world as it is when its turn comes. */
  choose(world: World, random: Random): Deed
}

/** An act with its details. */
export interface Deed {
  /** What is done, so that a person can do it again. */
  readonly words: string
  readonly do: () => Promise<unknown>
  readonly undo?: () => Promise<unknown>
  /** The least and the longest time before it is undone, ms. */
  readonly lasts?: readonly [number, number]
  /** A host's agent cannot be told anything meanwhile. */
  readonly deafens?: boolean
  /** Which requests may fail. Default: none. */
  readonly loses?: Loss
  /** What a daemon's status must say meanwhile. */
  readonly tells?: { readonly by: string; readonly words: RegExp }
}

/** Requests that the documentation gives up. */
export interface Loss {
  readonly services: readonly string[] | 'all'
  /** From the beginning of the act, ms. */
  readonly atFirst?: number
  /** From the beginning of the act to the end of its undoing. */
  readonly throughout?: boolean
  /** From the beginning of its undoing to so long after its end, ms. */
  readonly afterwards?: number
  /** Where the documentation says so. */
  readonly says: string
}
