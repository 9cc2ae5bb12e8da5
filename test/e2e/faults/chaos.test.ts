import test from 'ava'
import { chaos, report } from '../../chaos/chaos.ts'

// A short run of `npm run chaos`, the same one each time: what its acts are, and what they may cost, is in test/chaos/acts.
const SEED = 1
const SECONDS = 45

test('random faults: what is in force is what the files say, status is true, and no request is lost that need not be', async t => {
  const transcript: string[] = []
  const violations = await chaos({ seed: SEED, seconds: SECONDS, say: line => transcript.push(line) })
  if (violations.length > 0) t.fail(`${transcript.join('\n')}\n${report(violations)}`)
  t.pass()
})
