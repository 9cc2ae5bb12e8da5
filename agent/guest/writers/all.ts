import { networkScripts } from './network-scripts.ts'
import type { PersistWriter } from './types.ts'

/** Writers in the order in which they are asked. */
export const WRITERS: readonly PersistWriter[] = [networkScripts]
