import test from 'ava'
import { keptInputs } from '../../fuzz/corpus.ts'
import { startCoverage } from '../../fuzz/coverage.ts'
import { crashersOf } from '../../fuzz/crashers.ts'
import { type Finding, fuzz, MAX_BYTES, type Target, tryInput } from '../../fuzz/engine.ts'
import { watch } from '../../fuzz/watchdog.ts'
import { createRandom } from '../simulation/random.ts'

// A short run of the fuzzer; `npm run fuzz` searches longer.
const SECONDS = 10

const coverage = startCoverage(url => /\/(shared|agent|director|test\/unit\/fuzz)\//.test(url))
const { TARGETS } = await import('../../fuzz/targets/all.ts')
const seed = Number(process.env.CROSSPORT_SEED ?? Date.now() % 1_000_000)

for (const target of TARGETS) {
  for (const { file, input } of crashersOf(target.name))
    test.serial(`what was found once is refused or read: ${file}`, t => {
      t.is(tryInput(target, input)?.stack, undefined)
    })

  test.serial(`${target.name}: 64 KiB of the same take no time that anybody would notice`, t => {
    for (const seed of target.seeds) {
      const times = Math.ceil(MAX_BYTES / seed.length)
      t.is(tryInput(target, Buffer.concat(Array<Buffer>(times).fill(seed)).subarray(0, MAX_BYTES))?.stack, undefined)
    }
  })

  test.serial(`${target.name}: whatever comes gives a value or an error of its own`, async t => {
    t.log(`seed ${seed} (again: CROSSPORT_SEED=${seed})`)
    for (const input of target.seeds) t.is(tryInput(target, input)?.stack, undefined)
    const found: string[] = []
    const watchdog = watch(target.name)
    const { inputs, corpus } = fuzz(target, {
      seconds: SECONDS / TARGETS.length,
      random: createRandom(seed),
      coverage,
      kept: keptInputs(target.name),
      onInput: watchdog.note,
      onFinding: ({ input, error }) => found.push(`${input.toString('base64')}\n${error.stack}`),
    })
    await watchdog.stop()
    t.log(`${inputs} inputs, ${corpus} in the corpus`)
    t.deepEqual(found, [])
  })
}

/** Needs three steps, which cannot be guessed at once. */
const staircase = await import('./staircase.ts')
const target: Target = {
  name: 'staircase',
  seeds: [Buffer.from('....')],
  refuses: [],
  run: input => staircase.climb(input.toString('latin1')),
}

test.serial('what nobody guesses at once is found step by step, for each step shows in the coverage', t => {
  const onFinding = ({ error }: Finding) => {
    throw error
  }
  t.throws(() => fuzz(target, { seconds: 60, random: createRandom(1), coverage, onFinding }), { message: /the top/ })
})

test.serial('what was found is where the next run begins, and what brings nothing new is not kept', async t => {
  const kept = ['FU..', 'FUx.', 'FUZ.'].map(text => Buffer.from(text))
  // Another copy, because the test before has climbed this one.
  const again: string = './staircase.ts?again'
  const { climb } = (await import(again)) as typeof staircase
  const ran: string[] = []
  const run = (input: Buffer) => {
    ran.push(input.toString())
    climb(input.toString('latin1'))
  }
  const options = { seconds: 0, random: createRandom(1), coverage, kept, onFinding: () => {} }
  const { found } = fuzz({ ...target, run }, options)
  t.deepEqual(ran.slice(0, 4), ['....', 'FU..', 'FUx.', 'FUZ.'])
  t.deepEqual(found.map(String), ['FU..', 'FUZ.'])
})

test.serial('the watchdog is told of every input, of those that make a finding smaller, too', t => {
  const told: Buffer[] = []
  const ran: Buffer[] = []
  const run = (input: Buffer) => {
    ran.push(input)
    if (input.includes('FU')) throw new TypeError('found')
  }
  const findings: Finding[] = []
  fuzz(
    { name: 'told', seeds: [Buffer.from('a long input with FU in it')], refuses: [], run },
    {
      ...{ seconds: 0, random: createRandom(1), coverage },
      onInput: input => told.push(input),
      onFinding: finding => findings.push(finding),
    },
  )
  t.is(findings[0]?.input.toString(), 'FU')
  t.true(ran.length > 100)
  t.deepEqual(told, ran)
})
