import { mkdirSync } from 'node:fs'
import test from 'ava'
import { systemClock } from '../../../shared/run/clock.ts'
import { createSequenceChecks } from '../../../shared/switch/sequence-checks.ts'
import { tempDir } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'

test('asked once a session of a userspace datapath, and a failure is only told', async t => {
  const log = memoryLog()
  const rundir = tempDir(t)
  mkdirSync(rundir, { recursive: true })
  const checks = createSequenceChecks({ rundir, log, clock: systemClock }, 'uploads may stall')
  await checks.off('system')
  t.is(log.lines.length, 0)
  await checks.off('netdev')
  await checks.off('netdev')
  t.is(log.lines.length, 1, 'there is no vswitchd to ask')
  t.regex(String(log.lines[0]?.message), /uploads may stall/)
  checks.distrust()
  await checks.off('netdev')
  t.is(log.lines.length, 2)
})
