import type { Log } from '../shared/log.ts'

export const quiet: Log = {
  debug() {},
  info() {},
  notice() {},
  warn() {},
  error() {},
  with: () => quiet,
}
