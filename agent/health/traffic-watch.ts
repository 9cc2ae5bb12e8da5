import type { Clock } from '../../shared/run/clock.ts'
import type { FlowStats } from '../../shared/switch/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import { trafficOf } from './traffic.ts'
import type { Traffic } from './types.ts'

/** An observation window of the clients' own packets. */
const WINDOW_MS = 2000

export interface TrafficWatch {
  /** From now on these are observed, window by window. */
  set(realServers: readonly RealServer[]): void
  close(): void
}

export interface TrafficWatchOptions {
  readonly clock: Clock
  /** Of the request and reply flows. Rejects while the switch is away. */
  counters(): Promise<readonly FlowStats[]>
  observe(traffic: ReadonlyMap<string, Traffic>): void
}

export function createTrafficWatch({ clock, counters, observe }: TrafficWatchOptions): TrafficWatch {
  let watched: readonly RealServer[] = []
  let cancel: (() => void) | undefined
  const window = async () => {
    const list = watched
    try {
      observe(trafficOf(list, await counters()))
    } catch {
      // The switch is away: its counters will begin anew.
      observe(new Map())
    }
    if (cancel !== undefined) cancel = clock.after(WINDOW_MS, () => void window())
  }
  const set = (realServers: readonly RealServer[]) => {
    watched = realServers
    if (realServers.length === 0) {
      cancel?.()
      cancel = undefined
    } else cancel ??= clock.after(WINDOW_MS, () => void window())
  }
  return { set, close: () => set([]) }
}
