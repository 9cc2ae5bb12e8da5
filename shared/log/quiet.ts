import type { Log } from '../log.ts'

/** A log that writes nothing. */
export const quiet: Log = { debug() {}, info() {}, notice() {}, warn() {}, error() {}, with: () => quiet }
