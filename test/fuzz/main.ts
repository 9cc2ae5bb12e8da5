import { parseArgs } from 'node:util'
import { createRandom } from '../unit/simulation/random.ts'
import { keepInputs, keptInputs } from './corpus.ts'
import { startCoverage } from './coverage.ts'
import { saveCrasher } from './crashers.ts'
import { fuzz } from './engine.ts'
import { watch } from './watchdog.ts'

// Fuzzes every decoder, one after the other: npm run fuzz -- [--seconds N] [--seed N] [TARGET…]
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
})
const say = (text: string) => process.stdout.write(`${text}\n`)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const coverage = startCoverage(url => /\/(shared|agent|director)\/.*\.ts$/.test(url) && !url.includes('node_modules'))
// Loaded only now, because scripts loaded earlier are not counted in detail.
const { TARGETS } = await import('./targets/all.ts')
const chosen = TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
if (chosen.length === 0) say(`there are ${TARGETS.map(target => target.name).join(', ')}`)
const seconds = Number(values.seconds) / chosen.length
say(`seed ${seed}, ${seconds.toFixed(1)} s each`)

let findings = 0
for (const target of chosen) {
  const watchdog = watch(target.name)
  const { inputs, corpus, found } = fuzz(target, {
    seconds,
    random: createRandom(seed),
    coverage,
    kept: keptInputs(target.name),
    onInput: watchdog.note,
    onFinding: ({ input, error }) => {
      findings++
      say(`${target.name}: ${saveCrasher(target.name, input)}\n${error.stack}`)
    },
  })
  await watchdog.stop()
  keepInputs(target.name, found)
  say(`${target.name}: ${inputs} inputs, ${corpus} in the corpus, ${target.seeds.length} of them seeds`)
}
process.exitCode = findings === 0 && chosen.length > 0 ? 0 : 1
