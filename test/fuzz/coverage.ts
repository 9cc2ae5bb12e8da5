import { Session } from 'node:inspector'

/** The characters of the sources that have run, as V8 counts them (Profiler.startPreciseCoverage, block by block). */
export interface Coverage {
  /** What has run since the last call. */
  take(): Snapshot
  /** True when something in it has not run before. */
  isNew(snapshot: Snapshot): boolean
  add(snapshot: Snapshot): void
  stop(): void
}

/** By the script's address: 1 for a character that has run. */
export type Snapshot = ReadonlyMap<string, Uint8Array>

/** Only scripts that are loaded afterwards are counted block by block. `counted` selects scripts. */
export function startCoverage(counted: (url: string) => boolean): Coverage {
  const session = new Session()
  const known = new Map<string, Uint8Array>()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

  return {
    take: () => {
      const snapshot = new Map<string, Uint8Array>()
      // Within one process the answer comes before `post` returns.
      session.post('Profiler.takePreciseCoverage', (error, answer) => {
        if (error !== null) throw error
        for (const { url, functions } of answer.result) if (counted(url)) snapshot.set(url, painted(functions))
      })
      return snapshot
    },
    isNew: snapshot => [...snapshot].some(([url, ran]) => hasMore(ran, known.get(url))),
    add: snapshot => {
      for (const [url, ran] of snapshot) known.set(url, union(ran, known.get(url)))
    },
    stop: () => session.disconnect(),
  }
}

interface CoveredFunction {
  readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[]
}

/** Outer ranges come before inner ones, which override them. */
function painted(functions: readonly CoveredFunction[]): Uint8Array {
  const ranges = functions.flatMap(one => one.ranges)
  const ran = new Uint8Array(Math.max(0, ...ranges.map(range => range.endOffset)))
  for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  return ran
}

/** Plain loops, because they run over every character of the sources. */
function hasMore(ran: Uint8Array, known: Uint8Array = new Uint8Array()): boolean {
  for (let at = 0; at < ran.length; at++) if (ran[at] === 1 && known[at] !== 1) return true
  return false
}

function union(one: Uint8Array, other: Uint8Array = new Uint8Array()): Uint8Array {
  const both = new Uint8Array(Math.max(one.length, other.length))
  for (let at = 0; at < both.length; at++) both[at] = one[at] === 1 || other[at] === 1 ? 1 : 0
  return both
}
