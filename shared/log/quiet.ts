import type { Log } from '../log.ts'

/** Says nothing. */
export const quiet: Log = { debug() {}, info() {}, notice() {}, warn() {}, error() {}, with: () => quiet }
