/** One connection: its arrival and its duration, in seconds. */
export interface Arrival {
  readonly at: number
  readonly lasts: number
  readonly client: number
}

export interface Trace {
  readonly arrivals: readonly Arrival[]
  /** Indices of the arrivals, sorted by the end of their connections. */
  readonly departures: Uint32Array
}

export type Durations = 'uniform' | 'exponential' | 'heavy'

export interface TraceOptions {
  /** Connections a second, on average. */
  readonly rate: number
  readonly seconds: number
  /** Mean, in seconds. */
  readonly lasts: number
  readonly durations: Durations
  /** Arrivals in bursts: each second's connections come in its first fifth. */
  readonly bursty?: boolean
  readonly seed: number
}

export function makeTrace({ rate, seconds, lasts, durations, bursty = false, seed }: TraceOptions): Trace {
  const random = randomOf(seed)
  const draw = {
    uniform: () => lasts * 2 * random(),
    exponential: () => -lasts * Math.log(1 - random()),
    // Pareto distribution with shape 1.5: the mean is three times the minimum, the variance is infinite.
    heavy: () => lasts / 3 / (1 - random()) ** (1 / 1.5),
  }[durations]
  const arrivals = Array.from({ length: Math.round(rate * seconds) }, (): Arrival => {
    const at = random() * seconds
    const second = Math.floor(at)
    return { at: bursty ? second + (at - second) / 5 : at, lasts: draw(), client: Math.floor(random() * 2 ** 32) }
  }).sort((a, b) => a.at - b.at)
  const ends = Float64Array.from(arrivals, arrival => arrival.at + arrival.lasts)
  const departures = Uint32Array.from(arrivals.keys()).sort((a, b) => ends[a]! - ends[b]!)
  return { arrivals, departures }
}

/** mulberry32: small, and the same on every machine. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
