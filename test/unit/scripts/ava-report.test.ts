import test from 'ava'
import { makeAvaCounter } from '../../../scripts/ava-report.ts'

// As ava 8 prints it when its output is not a terminal.
const report = `
  ✔ unit › probe › good (522ms)
  ✘ [fail]: unit › probe › bad
    ℹ ✔ a log line that looks like a success

  Uncaught exception in test/unit/probe.test.ts

  Error: later

  ✘ test/unit/probe.test.ts exited with a non-zero exit code: 1
  ✔ unit › other › 3 tests failed

  ─

  unit › probe › bad

  Difference (- actual, + expected):

  - 1
  + 2

  ─

  1 test failed
  1 uncaught exception
  2 tests remained pending after a timeout
`

test('counts what passed, and everything that went wrong', t => {
  const counter = makeAvaCounter()
  for (const line of report.split('\n')) counter.line(line)
  t.deepEqual(counter.counts(), { passed: 2, failed: 4 })
})
