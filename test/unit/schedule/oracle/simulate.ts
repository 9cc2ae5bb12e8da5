import type { RealServer } from '../../../../director/registry/types.ts'
import { observe, type ServiceLoad } from '../../../../director/schedule/load.ts'
import { epochOf, schedule } from '../../../../director/schedule/schedule.ts'
import type { Turns } from '../../../../director/schedule/turns.ts'
import type { Scheduler } from '../../../../shared/config/service.ts'
import { lvs } from './lvs.ts'
import { type Arrival, randomOf, type Trace } from './trace.ts'

export interface Outcome {
  readonly opened: readonly number[]
  /** Active connections by real server, at every whole second. */
  readonly samples: readonly (readonly number[])[]
}

type Choose = (conns: readonly number[], arrival: Arrival) => number

export interface SimulateOptions {
  readonly scheduler: Scheduler
  readonly realServers: readonly RealServer[]
  readonly trace: Trace
  /** Seconds between two decisions. */
  readonly tick?: number
  /** Age, in ticks, of the counters that a decision uses. */
  readonly lag?: number
  readonly seed?: number
}

/** The kernel's scheduler on the trace. */
export function simulateLvs({ scheduler, realServers, trace }: SimulateOptions): Outcome {
  const oracle = lvs(
    scheduler,
    realServers.map(rs => rs.weight),
  )
  return play(
    realServers.length,
    trace,
    (conns, { client }) => oracle(conns, client),
    () => {},
  )
}

/**
 * Our scheduler: the switch goes by turns, or draws a slot by the hash of each connection; the director changes turns and slots
 * every `tick`.
 */
export function simulateOurs(options: SimulateOptions): Outcome {
  const { scheduler, realServers, trace, tick = 0.1, lag = 0, seed = 1 } = options
  const service = { scheduler, realServers, options: {} }
  const random = randomOf(seed)
  const number = new Map(realServers.map((rs, i) => [rs.id, i]))
  const history: ReadonlyMap<string, { opened: number; ended: number }>[] = []
  let load: ServiceLoad | undefined
  let slots: number[] = []
  let turns: Turns | undefined
  let turn = 0
  const decide = (at: number) => {
    const next = schedule(service, { now: at * 1000, load, horizonMs: tick * 1000 })
    if (JSON.stringify(next.turns) !== JSON.stringify(turns)) turn = 0
    turns = next.turns
    slots = next.shares.flatMap(share => Array<number>(share.slots).fill(number.get(share.id)!))
  }
  const choose = () => {
    if (turns === undefined) return slots[Math.floor(random() * slots.length)]!
    const id = turns.order[turn]!
    turn = turn + 1 < turns.order.length ? turn + 1 : turns.again
    return number.get(id)!
  }
  decide(0)
  const onTick = (at: number, opened: readonly number[], active: readonly number[]) => {
    const counters = new Map(
      realServers.map((rs, i) => [rs.id, { opened: opened[i]!, ended: opened[i]! - active[i]! }]),
    )
    history.push(counters)
    const seen = history.length > lag ? history.shift() : undefined
    if (seen === undefined) return
    const servers = new Map(realServers.map(rs => [rs.id, undefined]))
    const epoch = epochOf(service, { now: at * 1000 })
    load = observe(load, { at: at * 1000, epoch, counters: seen, servers })
    decide(at)
  }
  return play(realServers.length, trace, choose, onTick, tick)
}

function play(
  servers: number,
  { arrivals, departures }: Trace,
  choose: Choose,
  onTick: (at: number, opened: readonly number[], active: readonly number[]) => void,
  tick = 1,
): Outcome {
  const opened = Array<number>(servers).fill(0)
  const active = Array<number>(servers).fill(0)
  /** The real server of each connection, in the order of arrivals. */
  const chosen = new Uint32Array(arrivals.length)
  let departed = 0
  const departUntil = (time: number) => {
    for (; departed < departures.length; departed++) {
      const { at, lasts } = arrivals[departures[departed]!]!
      if (at + lasts > time) return
      active[chosen[departures[departed]!]!]!--
    }
  }
  const samples: number[][] = []
  let nextTick = tick
  let nextSample = 1
  for (const [n, arrival] of arrivals.entries()) {
    while (Math.min(nextTick, nextSample) <= arrival.at) {
      const at = Math.min(nextTick, nextSample)
      departUntil(at)
      if (at === nextTick) {
        onTick(at, opened, active)
        nextTick += tick
      }
      if (at === nextSample) {
        samples.push([...active])
        nextSample += 1
      }
    }
    departUntil(arrival.at)
    const server = choose(active, arrival)
    opened[server]!++
    active[server]!++
    chosen[n] = server
  }
  return { opened, samples }
}
