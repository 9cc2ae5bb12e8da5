import { CrossportError, type ErrorCode } from '../../shared/errors.ts'
import type { Random } from '../unit/simulation/random.ts'
import type { Coverage } from './coverage.ts'
import { mutate, wordsOf } from './mutate.ts'

/** A decoder that accepts any bytes. */
export interface Target {
  readonly name: string
  /** Valid inputs. */
  readonly seeds: readonly Buffer[]
  /** Codes of errors by which it may refuse an input; any other error is a finding. */
  readonly refuses: readonly ErrorCode[]
  readonly maxBytes?: number
  run(input: Buffer): void
}

export interface Finding {
  readonly target: string
  readonly input: Buffer
  readonly error: Error
}

export interface FuzzOptions {
  readonly seconds: number
  readonly random: Random
  readonly coverage: Coverage
  /** What earlier runs have found; those that bring nothing new any more are left out. */
  readonly kept?: readonly Buffer[]
  /** The next input, for the watchdog. */
  onInput?(input: Buffer): void
  onFinding(finding: Finding): void
}

/** Decoding takes no noticeable time; this limit allows for a busy machine. */
export const SLOW_MS = 5000
export const MAX_BYTES = 64 * 1024
/** Inputs of a batch. Batches grow while nothing new is found, because reading the coverage takes longer than trying an input. */
const BATCH = { least: 32, most: 2048, ms: 100 } as const
/** Attempts to make a finding smaller, and the time for them, because each may be as slow as the finding. */
const SHRINK = { attempts: 300, ms: 10_000 } as const

/** Undefined: the decoder returned a value or threw an error that it may throw. */
export function tryInput(target: Target, input: Buffer): Error | undefined {
  const start = performance.now()
  try {
    target.run(input)
  } catch (error) {
    const refused = error instanceof CrossportError && target.refuses.includes(error.code)
    if (!refused) return error instanceof Error ? error : new Error(String(error))
  }
  const took = performance.now() - start
  return took > SLOW_MS ? new Error(`took ${Math.round(took)} ms`) : undefined
}

/**
 * Runs a target on changed inputs for a time. An input that makes new code run joins the corpus. Coverage is read after each
 * batch, and only for a batch with something new, input by input. Returns the number of inputs tried, the size of the corpus, and
 * what of it is not a seed.
 */
export function fuzz(target: Target, { seconds, random, coverage, kept = [], onInput, onFinding }: FuzzOptions) {
  const corpus = [...target.seeds]
  const words = wordsOf(target.seeds)
  const places = new Set<string>()
  const deadline = performance.now() + seconds * 1000
  const maxBytes = target.maxBytes ?? MAX_BYTES
  let inputs = 0

  const attempt = (input: Buffer) => {
    onInput?.(input)
    return tryInput(target, input)
  }
  const run = (input: Buffer) => {
    inputs++
    const error = attempt(input)
    if (error === undefined || places.has(placeOf(error))) return
    places.add(placeOf(error))
    onFinding({ target: target.name, input: shrunk(input, attempt, placeOf(error), random), error })
  }

  /** New coverage, if there is any. */
  const tried = (batch: readonly Buffer[]) => {
    for (const input of batch) run(input)
    const snapshot = coverage.take()
    return coverage.isNew(snapshot) ? snapshot : undefined
  }

  /** Bisects a batch for the inputs that bring something new. */
  const search = (batch: readonly Buffer[]) => {
    const half = batch.length >> 1
    for (const inputs of [batch.slice(0, half), batch.slice(half)]) {
      const snapshot = tried(inputs)
      if (snapshot === undefined) continue
      if (inputs.length > 1) search(inputs)
      else {
        corpus.push(inputs[0]!)
        coverage.add(snapshot)
      }
    }
  }

  coverage.take()
  for (const seed of target.seeds) run(seed)
  coverage.add(coverage.take())
  for (const input of kept) {
    const snapshot = tried([input])
    if (snapshot === undefined) continue
    corpus.push(input)
    coverage.add(snapshot)
  }
  for (let size: number = BATCH.least; performance.now() < deadline; ) {
    const batch = Array.from({ length: size }, () => mutate({ random, corpus, words, maxBytes }))
    const start = performance.now()
    const snapshot = tried(batch)
    if (snapshot === undefined) {
      if (performance.now() - start < BATCH.ms) size = Math.min(2 * size, BATCH.most)
      continue
    }
    size = BATCH.least
    search(batch)
    // Code that runs only now and then is not searched for again.
    coverage.add(snapshot)
  }
  return { inputs, corpus: corpus.length, found: corpus.slice(target.seeds.length) }
}

/** Findings with the same error at the same place count as one. */
function placeOf(error: Error): string {
  const frame = error.stack?.split('\n').find(line => /^ +at .*\.ts:\d+/.test(line) && !/node_modules/.test(line))
  return `${error.name} ${frame?.trim() ?? error.message}`
}

type Attempt = (input: Buffer) => Error | undefined

/** Searches a smaller input that fails at the same place. */
function shrunk(input: Buffer, attempt: Attempt, place: string, random: Random): Buffer {
  let smallest = input
  const deadline = performance.now() + SHRINK.ms
  for (let i = 0; i < SHRINK.attempts && performance.now() < deadline; i++) {
    const from = random.below(smallest.length)
    const to = from + 1 + random.below(Math.max(1, (smallest.length - from) >> random.below(6)))
    const smaller = Buffer.concat([smallest.subarray(0, from), smallest.subarray(to)])
    const error = attempt(smaller)
    if (error !== undefined && placeOf(error) === place) smallest = smaller
  }
  return smallest
}
