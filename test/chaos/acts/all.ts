import type { Act } from '../types.ts'
import { DAEMON_ACTS } from './daemons.ts'
import { FILE_ACTS } from './files.ts'
import { GUEST_ACTS } from './guests.ts'
import { SWITCH_ACTS } from './switches.ts'

export const ACTS: readonly Act[] = [...FILE_ACTS, ...DAEMON_ACTS, ...GUEST_ACTS, ...SWITCH_ACTS]
