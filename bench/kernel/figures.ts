import { median } from '../measure.ts'
import type { Figure, Goal } from '../types.ts'
import { BY_SHARES, BY_TURNS, IPVS_DR, MANY, WITH, WITHOUT } from './ways.ts'

/** Measured values: figure → way → one value per round. */
export type Results = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>

/** Figures in numbers per second, and figures in nanoseconds or milliseconds. */
const RATES = [
  'connections',
  'requests',
  'many.cold',
  'many.connections',
  'host.connections',
  'host.requests',
  'host.download',
]
const TIMES = /^(packet|growth|many|host)\.(one|new|known|tcp|opened|grown)$|^latency\./

/**
 * Reads the lines of inside/measure.sh: figure, way, value, separated by tabs. Converts the values to a processor that takes one
 * nanosecond per instruction instead of `instructionNs`.
 */
export function parse(text: string, instructionNs = 1): Results {
  const scale = (figure: string) =>
    RATES.includes(figure) ? instructionNs : TIMES.test(figure) ? 1 / instructionNs : 1
  const results = new Map<string, Map<string, number[]>>()
  for (const line of text.split('\n')) {
    const [figure, way, value] = line.split('\t')
    if (figure === undefined || way === undefined || value === undefined) continue
    const ways = results.get(figure) ?? new Map<string, number[]>()
    results.set(figure, ways)
    ways.set(way, [...(ways.get(way) ?? []), Number(value) * scale(figure)])
  }
  return results
}

/** Goals: crossport must reach this part of IPVS DR's figure, where more or less is better, and be ahead of all others. */
interface Measure {
  readonly figure: string
  readonly name: string
  readonly unit: string
  readonly best?: 'most' | 'least'
  readonly goals?: Readonly<Record<string, number>>
}

const SHOWN: readonly Measure[] = [
  {
    figure: 'connections',
    name: 'new connections',
    unit: '1/s',
    best: 'most',
    goals: { [BY_SHARES]: 1, 'crossport mh': 1, [BY_TURNS]: 0.8, 'crossport rr': 0.8 },
  },
  { figure: 'requests', name: 'requests kept alive', unit: '1/s', best: 'most', goals: forAll(1) },
  { figure: 'packet.one', name: 'instructions a packet: UDP, one flow', unit: '' },
  { figure: 'packet.new', name: 'instructions a packet: UDP, new flows', unit: '' },
  {
    figure: 'packet.known',
    name: 'instructions a packet: UDP, known flows',
    unit: '',
    best: 'least',
    goals: forAll(1.05),
  },
  {
    figure: 'packet.tcp',
    name: 'instructions a packet: TCP, known connections',
    unit: '',
    best: 'least',
    goals: forAll(1.05),
  },
  { figure: 'connections.upcalls', name: 'upcalls a connection', unit: '' },
  {
    figure: 'connections.bytes',
    name: 'through the balancer: a new connection',
    unit: 'B',
    best: 'least',
    goals: forAll(1.01),
  },
  {
    figure: 'requests.bytes',
    name: 'through the balancer: a request kept alive',
    unit: 'B',
    best: 'least',
    goals: forAll(1.01),
  },
  { figure: 'download', name: 'through the balancer: a MB of download', unit: 'B', best: 'least', goals: forAll(1.01) },
  { figure: 'latency.first', name: 'time to connect: first connection', unit: 'ms' },
  { figure: 'latency.next', name: 'time to connect: later ones', unit: 'ms' },
]
const OTHERS = ['IPVS NAT', 'nftables', 'HAProxy'] as const
/** Failures of all rounds together. */
const FAULTS = [
  ['connections.errors', 'errors: new connections'],
  ['requests.errors', 'errors: requests kept alive'],
  ['download.errors', 'errors: downloads'],
  ['packet.refused', 'errors: held connections that were refused'],
  ['packet.lost', 'errors: packets that did not arrive'],
  ['growth.lost', `errors: packets that did not arrive, beside 100,000 connections`],
  ['many.connections.errors', `errors: new connections, ${MANY} real servers`],
  ['many.cold.errors', `errors: first connections, ${MANY} real servers`],
  ['many.refused', `errors: held connections that were refused, ${MANY} real servers`],
  ['many.lost', `errors: packets that did not arrive, ${MANY} real servers`],
  ['host.connections.errors', 'errors: new connections, the host alone'],
  ['host.requests.errors', 'errors: requests kept alive, the host alone'],
  ['host.download.errors', 'errors: downloads, the host alone'],
  ['host.refused', 'errors: held connections that were refused, the host alone'],
  ['host.lost', 'errors: packets that did not arrive, the host alone'],
] as const

function forAll(factor: number): Record<string, number> {
  return { [BY_SHARES]: factor, 'crossport mh': factor, [BY_TURNS]: factor, 'crossport rr': factor }
}

export function figures(results: Results): Figure[] {
  return [
    ...SHOWN.flatMap(measure => shown(results, measure)),
    ...growth(results),
    ...host(results),
    ...faults(results),
  ]
}

function shown(results: Results, { figure, name, unit, best, goals = {} }: Measure): Figure[] {
  const ways = medians(results, figure)
  const values = [...ways].map(([way, value]): Figure => ({ name: `${name}: ${way}`, value, unit }))
  if (best === undefined) return values
  const ratio = (name: string, value: number, goal?: Goal): Figure => {
    return { name, value, unit: '×', ...(goal === undefined ? {} : { goal }) }
  }
  // A way without any answer has also missed its goal.
  const of = (way: string) => ways.get(way) ?? Number.NaN
  const others = OTHERS.flatMap(other => ways.get(other) ?? [])
  const ahead = best === 'most' ? Math.max(...others) : Math.min(...others)
  return [
    ...values,
    ...Object.entries(goals).flatMap(([way, factor]) => [
      ratio(`${name}: ${way} / ${IPVS_DR}`, of(way) / of(IPVS_DR), goalOf(best, factor)),
      ratio(`${name}: ${way} / the best of ${OTHERS.join(', ')}`, of(way) / ahead, goalOf(best, 1)),
    ]),
    ...['static flow', ...OTHERS]
      .filter(other => ways.has(other))
      .map(other => ratio(`${name}: ${other} / ${IPVS_DR}`, of(other) / of(IPVS_DR))),
  ]
}

const goalOf = (best: 'most' | 'least', factor: number): Goal =>
  best === 'most' ? { atLeast: factor } : { atMost: factor }

/** How much dearer a way becomes with more real servers, compared with itself. */
function growth(results: Results): Figure[] {
  const against = (name: string, more: string, less: string): Figure[] => {
    const few = medians(results, less)
    return [...medians(results, more)].map(([way, value]) => {
      return { name: `${name}: ${way}`, value: value / (few.get(way) ?? Number.NaN), unit: '×' }
    })
  }
  return [
    ...against('instructions a packet beside 100,000 connections, TCP', 'growth.grown', 'growth.tcp'),
    ...against(`instructions a packet with ${MANY} real servers / 3, TCP`, 'many.tcp', 'packet.tcp'),
    ...against(`first connections with ${MANY} real servers / new ones with 3`, 'many.cold', 'connections'),
    ...against(`new connections with ${MANY} real servers / 3`, 'many.connections', 'connections'),
  ]
}

/** Most that signals and recall may cost the hypervisor's switch, as a part of the whole way from a client to a VM. */
const HOST_COST = 0.03

function host(results: Results): Figure[] {
  const measures: [string, string, string, Goal][] = [
    ['host.connections', 'new connections', '1/s', { atLeast: 1 - HOST_COST }],
    ['host.requests', 'requests kept alive', '1/s', { atLeast: 1 - HOST_COST }],
    ['host.download', 'download', 'B/s', { atLeast: 1 - HOST_COST }],
    ['host.tcp', 'instructions a packet: TCP, known connections', '', { atMost: 1 + HOST_COST }],
  ]
  return measures.flatMap(([figure, name, unit, goal]) => {
    const ways = medians(results, figure)
    const [without, having] = [ways.get(WITHOUT), ways.get(WITH)]
    if (without === undefined || having === undefined) return []
    return [
      { name: `host, ${name}: ${WITHOUT}`, value: without, unit },
      { name: `host, ${name}: ${WITH}`, value: having, unit },
      { name: `host, ${name}: with / without`, value: having / without, unit: '×', goal },
    ]
  })
}

/** Reports only if there are failures. */
function faults(results: Results): Figure[] {
  return FAULTS.flatMap(([figure, name]) =>
    [...(results.get(figure) ?? [])]
      .map(([way, list]) => ({ name: `${name}: ${way}`, value: list.reduce((sum, n) => sum + n, 0), unit: '' }))
      .filter(({ value }) => value !== 0),
  )
}

function medians(results: Results, figure: string): ReadonlyMap<string, number> {
  return new Map([...(results.get(figure) ?? [])].map(([way, list]) => [way, median(list)]))
}
