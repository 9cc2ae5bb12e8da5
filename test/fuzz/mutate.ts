import type { Random } from '../unit/simulation/random.ts'

/** Numbers at which lengths and counters tend to fail. */
const NUMBERS = [0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x7fffffff]
const MOST_CHANGES = 5
const MOST_REPEATS = 2000

export interface MutationOptions {
  readonly random: Random
  /** Inputs to start from and to take parts of. */
  readonly corpus: readonly Buffer[]
  /** Words from the seeds. */
  readonly words: readonly Buffer[]
  readonly maxBytes: number
}

/** One input of the corpus, changed in one to five places. Later inputs, which found something, are chosen more often. */
export function mutate(options: MutationOptions): Buffer {
  const { random, corpus, maxBytes } = options
  const late = random.chance(0.5) ? random.below(Math.min(corpus.length, 16)) + 1 : 0
  let bytes = late > 0 ? corpus[corpus.length - late]! : random.pick(corpus)
  for (let i = random.below(MOST_CHANGES); i >= 0; i--)
    bytes = random.pick(CHANGES)(bytes, options).subarray(0, maxBytes)
  return bytes
}

type Change = (bytes: Buffer, options: MutationOptions) => Buffer

/** A part of the bytes, possibly empty. */
const part = (bytes: Buffer, random: Random): readonly [from: number, to: number] => {
  const from = random.below(bytes.length + 1)
  return [from, from + random.below(Math.min(bytes.length - from, random.chance(0.5) ? 8 : 1024) + 1)]
}

const replaced = (bytes: Buffer, from: number, to: number, by: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)])

const withCopy = (bytes: Buffer, change: (copy: Buffer) => void): Buffer => {
  if (bytes.length === 0) return bytes
  const copy = Buffer.from(bytes)
  change(copy)
  return copy
}

const numberOf = (random: Random, size: 1 | 2 | 4): Buffer => {
  const bytes = Buffer.alloc(size)
  const value = random.chance(0.1) ? 0xffffffff : random.pick(NUMBERS)
  bytes.writeUIntBE(value % 2 ** (8 * size), 0, size)
  return bytes
}

const CHANGES: readonly Change[] = [
  (bytes, { random }) => withCopy(bytes, copy => (copy[random.below(copy.length)]! ^= 1 << random.below(8))),
  (bytes, { random }) => withCopy(bytes, copy => (copy[random.below(copy.length)] = random.below(256))),
  (bytes, { random }) => withCopy(bytes, copy => copy.set([copy[0]! + 1 + random.below(4)], random.below(copy.length))),
  (bytes, { random }) =>
    withCopy(bytes, copy => {
      const number = numberOf(random, random.pick([1, 2, 4] as const))
      if (number.length <= copy.length) number.copy(copy, random.below(copy.length - number.length + 1))
    }),
  (bytes, { random }) => replaced(bytes, ...part(bytes, random), Buffer.alloc(0)),
  (bytes, { random }) => {
    const [from, to] = part(bytes, random)
    const times = random.chance(0.1) ? random.below(MOST_REPEATS) : 1 + random.below(3)
    return replaced(bytes, to, to, Buffer.concat(Array<Buffer>(times).fill(bytes.subarray(from, to))))
  },
  (bytes, { random, words }) => {
    if (words.length === 0) return bytes
    const [from, to] = part(bytes, random)
    return replaced(bytes, from, random.chance(0.5) ? from : to, random.pick(words))
  },
  (bytes, { random, corpus }) => {
    const other = random.pick(corpus)
    return replaced(bytes, ...part(bytes, random), other.subarray(...part(other, random)))
  },
  (bytes, { random, corpus }) => {
    const other = random.pick(corpus)
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ])
  },
]

/** Words and punctuation of the seeds, and nested brackets. */
export function wordsOf(seeds: readonly Buffer[]): Buffer[] {
  const words = seeds.flatMap(seed => seed.toString('latin1').match(/[\w-]{2,40}|[^\w\s]/g) ?? [])
  const more = [
    '[',
    '{',
    '"',
    '\\',
    '&a ',
    '*a',
    '- ',
    ': ',
    '%',
    '\0',
    '\u2028',
    '__proto__',
    'toString',
    'null',
    '1e999',
  ]
  return [...new Set([...words, ...more])].map(word => Buffer.from(word))
}
