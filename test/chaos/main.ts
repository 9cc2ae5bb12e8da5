import { parseArgs } from 'node:util'
import { chaos, report } from './chaos.ts'
import type { World } from './world.ts'

// Breaks a lab at random, and judges: npm run chaos -- [--seed N] [--minutes M] [--only WORDS]
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
})
const say = (text: string) => process.stdout.write(`${text}\n`)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const minutes = Number(values.minutes)
if (!Number.isSafeInteger(seed) || !(minutes > 0)) {
  say('usage: npm run chaos -- [--seed N] [--minutes M] [--only WORDS]')
  process.exit(64)
}

const again = `Again: npm run chaos -- --seed ${seed} --minutes ${minutes}`
let world: World | undefined
let stopped = false
const interrupted = () => {
  stopped = true
  say(`interrupted; taking the lab down. ${again}`)
  void (world?.down() ?? Promise.resolve()).finally(() => process.exit(130))
}
process.once('SIGINT', interrupted)
process.once('SIGTERM', interrupted)

try {
  const violations = await chaos({
    seed,
    seconds: minutes * 60,
    ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
    say,
    onWorld: made => {
      world = made
    },
  })
  if (violations.length > 0) say(`${report(violations)}\n\n${again}`)
  process.exit(violations.length === 0 ? 0 : 1)
} catch (error) {
  // The signal's handler ends the process; what fails from then on fails because of it.
  if (stopped) await new Promise(() => {})
  say(`${error instanceof Error ? error.stack : error}\n\n${again}`)
  process.exit(1)
}
