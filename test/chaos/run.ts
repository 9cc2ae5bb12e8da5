import { setTimeout as delay } from 'node:timers/promises'
import { formatStatus } from '../../cli/status/format.ts'
import { createRandom, type Random } from '../unit/simulation/random.ts'
import { judge, type Violation, whole } from './sentences.ts'
import type { Act, Deed, Lane } from './types.ts'
import type { World } from './world.ts'

/** A deed that was done, and when (ms, wall clock): begun, its undoing begun, all over. */
export interface Done {
  readonly act: Act
  readonly deed: Deed
  readonly from: number
  readonly undoing: number
  readonly to: number
}

export interface RoundOptions {
  readonly seed: number
  readonly seconds: number
  readonly acts: readonly Act[]
  /** Is told each act as it begins and ends, with the time since `begin`. */
  readonly say: (line: string) => void
}

const LANES: readonly Lane[] = ['files', 'hosts', 'director']
/** A lane rests for so long at most between two acts, ms. */
const REST_MS = { files: 2500, hosts: 1000, director: 10_000 } as const
/** What is wrong has to be told in so long. */
const TOLD_MS = 15_000
/** A broken machine has so long to come back before the next is broken. */
const WHOLE_MS = 45_000

/** Breaks and mends the world at random for so long, lane beside lane; then all is mended, and the three sentences are judged. */
export async function round(world: World, { seed, seconds, acts, say }: RoundOptions): Promise<Violation[]> {
  const begin = Date.now()
  const done: Done[] = []
  const violations: Violation[] = []
  const note = (line: string) => say(`${((Date.now() - begin) / 1000).toFixed(2).padStart(7)} s  ${line}`)
  const lanes = LANES.map(async (lane, n) => {
    const random = createRandom(seed * LANES.length + n)
    const own = acts.filter(act => act.lane === lane)
    while (own.length > 0 && Date.now() - begin < seconds * 1000) {
      await delay(random.below(REST_MS[lane]))
      violations.push(...(await perform(world, pick(own, random), random, done, note)))
    }
  })
  await Promise.all(lanes)
  note('all is mended; now the three sentences')
  violations.push(...(await judge(world, begin, done, note)))
  return violations
}

async function perform(
  world: World,
  act: Act,
  random: Random,
  done: Done[],
  note: (line: string) => void,
): Promise<Violation[]> {
  const deed = act.choose(world, random)
  const [least, most] = deed.lasts ?? [0, 0]
  const lasts = least + random.below(most - least + 1)
  const from = Date.now()
  note(`${act.lane}: ${act.name}: ${deed.words}`)
  if (act.lane === 'director') world.directorOut = true
  // It counts from its beginning, also when what comes after goes wrong.
  const entry = { act, deed, from, undoing: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY }
  done.push(entry)
  await deed.do()
  await delay(lasts)
  const violations = await told(world, deed)
  entry.undoing = Date.now()
  await deed.undo?.()
  entry.to = Date.now()
  if (act.lane === 'director') world.directorOut = false
  if (deed.undo !== undefined) note(`${act.lane}: undone: ${act.name}`)
  if (act.lane === 'files') return violations
  const lacks = await whole(world, WHOLE_MS)
  if (lacks.length > 0)
    note(`${act.lane}: not whole again after ${WHOLE_MS / 1000} s: ${act.name}: ${lacks.join('; ')}`)
  return violations
}

/** A daemon that cannot speak need not. */
async function told(world: World, { tells, words }: Deed): Promise<Violation[]> {
  if (tells === undefined) return []
  const daemon = world.daemons.get(tells.by)!
  const until = Date.now() + TOLD_MS
  let text = ''
  while (Date.now() < until) {
    const { latest } = daemon.status
    text = latest === undefined ? '' : formatStatus(latest)
    if (tells.words.test(text) || (tells.by === 'director' && world.directorOut)) return []
    await delay(50)
  }
  const evidence = [`${tells.by} has not said ${tells.words} within ${TOLD_MS / 1000} s of: ${words}`, text]
  return [{ sentence: 'what status says is true', evidence }]
}

function pick(acts: readonly Act[], random: Random): Act {
  const total = acts.reduce((sum, { weight }) => sum + weight, 0)
  let at = (random.below(1_000_000) / 1_000_000) * total
  return acts.find(({ weight }) => (at -= weight) < 0) ?? acts[0]!
}
