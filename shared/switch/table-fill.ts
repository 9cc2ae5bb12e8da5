import { readFile } from 'node:fs/promises'
import { CrossportError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Problem } from '../rpc/gen/crossport/v1/Problem.ts'
import { countEntries, mostEntries, type VswitchdOptions } from './vswitchd.ts'

/** Watches how full the datapath's connection table is: when it is full, only connections in it are served. */
export interface TableFill {
  /** Takes the type of the bridge's datapath, as often as it may have changed. The first call starts the watch. */
  watch(datapathType: string): void
  close(): void
}

export interface Fill {
  readonly entries: number
  readonly most: number
}

export interface TableFillOptions extends VswitchdOptions {
  /** Called when the problems have changed, with at most one; none: the table is not nearly full, or its fill is not known. */
  changed(problems: readonly Problem[]): void
  /** Default: reads from the kernel, or from vswitchd. */
  readonly read?: (datapathType: string) => Promise<Fill>
}

const CODE = 'CONNECTION_TABLE_FULL'
const THEN = 'when it is full, new connections fail'

const LOOK_MS = 5000
/** Shares of the table at which the problem begins and ends. */
const FULL = { from: 0.9, below: 0.8 } as const

export function createTableFill(options: TableFillOptions): TableFill {
  const { log, clock, changed } = options
  const read = options.read ?? (type => (type === 'netdev' ? userspaceFill(options) : kernelFill()))
  let type = ''
  let problem: string | undefined
  let closed = false
  let cancel = () => {}
  const judge = ({ entries, most }: Fill) => {
    const before = problem
    if (entries >= most * FULL.from) problem = `it has ${entries} of ${most} entries`
    else if (entries < most * FULL.below) problem = undefined
    if (problem === before) return
    changed(problemsOf(problem))
    if (before === undefined) tell(log, problem!)
    else if (problem === undefined) log.notice('the connection table has room again', { entries, most })
  }
  const look = async () => {
    try {
      const fill = await read(type)
      if (!closed) judge(fill)
    } catch (err) {
      log.debug('the fill of the connection table cannot be read', { err })
    }
    if (!closed) cancel = clock.after(LOOK_MS, look)
  }
  return {
    watch: datapathType => {
      const first = type === ''
      type = datapathType
      if (first && type !== '') void look()
    },
    close: () => {
      closed = true
      cancel()
    },
  }
}

function problemsOf(problem: string | undefined): readonly Problem[] {
  if (problem === undefined) return []
  return [{ severity: 'warning', code: CODE, subject: 'connection table', message: `${problem}; ${THEN}` }]
}

function tell(log: Log, problem: string): void {
  const err = new CrossportError(CODE, `${problem}; ${THEN}`)
  log.warn('the connection table is nearly full', { err })
}

/** Fill of the kernel's table in this network namespace, which vswitchd shares; a `max` of 0 is no limit (nf_conntrack-sysctl.rst). */
async function kernelFill(): Promise<Fill> {
  const [entries, most] = await Promise.all(
    ['count', 'max'].map(async name => Number(await readFile(`/proc/sys/net/netfilter/nf_conntrack_${name}`, 'utf8'))),
  )
  return { entries: entries!, most: most! || Number.POSITIVE_INFINITY }
}

async function userspaceFill(options: VswitchdOptions): Promise<Fill> {
  return { entries: await countEntries(options), most: await mostEntries(options) }
}
