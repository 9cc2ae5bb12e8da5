import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Problem } from '../../shared/rpc/gen/crossport/v1/Problem.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Fill } from '../../shared/switch/table-fill.ts'
import { type Limits, zonesOf } from '../apply/limits.ts'
import type { Plan } from '../plan/plan.ts'

/** Watches which services come near the limit of their entries in the connection table. */
export interface ZoneFill {
  readonly problems: readonly Problem[]
  /** Whether a new connection of this zone might get no entry: reads the switch. False where there are no limits. */
  isFull(zone: number): Promise<boolean>
  /** Entries of a zone; undefined where they are not counted. */
  entriesOf(zone: number): Promise<number | undefined>
  stop(): void
}

export interface ZoneFillOptions {
  readonly limits: Pick<Limits, 'most' | 'count'>
  /** The fill of the whole table. */
  readonly table: () => Promise<Fill>
  readonly plan: () => Plan | undefined
  readonly log: Log
  readonly clock: Clock
  /** The problems have changed. */
  changed(): void
}

const CODE = 'CONNECTION_TABLE_FULL'
const LOOK_MS = 5000
/** Parts of the limit at which the problem begins and ends, and from which a new connection might get no entry. */
const FULL = { from: 0.9, below: 0.8, entry: 0.98 } as const

export function startZoneFill(options: ZoneFillOptions): ZoneFill {
  const { limits, clock, log } = options
  /** What is said of each service, by name. */
  let full: ReadonlyMap<string, string> = new Map()
  let cancel = () => {}
  let stopped = false

  const look = async () => {
    const { most } = limits
    const plan = options.plan()
    if (most === undefined || plan === undefined) return judge(new Map())
    // While the whole table has less, no zone can have as much.
    const { entries } = await options.table()
    if (entries < most * FULL.below) return judge(new Map())
    const counts = await limits.count(plan.compiled.flatMap(zonesOf))
    const next = new Map<string, string>()
    for (const [i, { service }] of plan.services.entries()) {
      const count = Math.max(...zonesOf(plan.compiled[i]!).map(zone => counts.get(zone) ?? 0))
      if (count >= most * (full.has(service) ? FULL.below : FULL.from))
        next.set(service, full.get(service) ?? `its connections have ${count} of ${most} entries`)
    }
    judge(next)
  }

  const judge = (next: ReadonlyMap<string, string>) => {
    const before = full
    full = next
    for (const [service, text] of next)
      if (!before.has(service))
        log.warn('a service fills its part of the connection table', {
          service,
          err: new CrossportError(CODE, `${text}; ${THEN}`),
        })
    for (const service of before.keys())
      if (!next.has(service)) log.notice('a service has room in the connection table again', { service })
    if (before.size !== next.size || [...next.keys()].some(service => !before.has(service))) options.changed()
  }

  const run = async () => {
    await look().catch((err: unknown) => log.debug('the fill of the connection table cannot be read', { err }))
    if (!stopped) cancel = clock.after(LOOK_MS, () => void run())
  }
  cancel = clock.after(LOOK_MS, () => void run())

  const entriesOf = async (zone: number) => (await limits.count([zone])).get(zone)
  return {
    get problems() {
      return [...full].map(([subject, text]) => ({
        severity: 'warning',
        code: CODE,
        subject,
        message: `${text}; ${THEN}`,
      }))
    },
    isFull: async zone => {
      const { most } = limits
      if (most === undefined) return false
      const [there, table] = await Promise.all([entriesOf(zone), options.table()])
      return (there ?? 0) >= most * FULL.entry || table.entries >= table.most * FULL.entry
    },
    entriesOf,
    stop: () => {
      stopped = true
      cancel()
    },
  }
}

const THEN = 'with all of them in use, new ones go on without an entry, and hosts are asked about each of their packets'
