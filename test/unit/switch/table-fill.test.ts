import test from 'ava'
import type { Problem } from '../../../shared/rpc/gen/crossport/v1/Problem.ts'
import { createTableFill, type Fill } from '../../../shared/switch/table-fill.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'

test('nearly full is said once, and kept until there is room again', async t => {
  const clock = fakeClock()
  const log = memoryLog()
  let fill: Fill | Error = { entries: 89, most: 100 }
  let changes = 0
  let problems: readonly Problem[] = []
  const read = async (type: string) => {
    t.is(type, 'system')
    if (fill instanceof Error) throw fill
    return fill
  }
  const changed = (now: readonly Problem[]) => {
    changes++
    problems = now
  }
  const table = createTableFill({ rundir: '', log, clock, read, changed })
  const next = async (now: Fill | Error) => {
    fill = now
    await clock.advance(5000)
    return problems.map(({ message }) => message)
  }
  // The type of the datapath is not known yet.
  table.watch('')
  table.watch('system')
  table.watch('system')
  t.deepEqual(await next({ entries: 89, most: 100 }), [])
  const full = ['it has 90 of 100 entries; when it is full, new connections fail']
  t.deepEqual(await next({ entries: 90, most: 100 }), full)
  t.like(problems[0], { severity: 'warning', code: 'CONNECTION_TABLE_FULL', subject: 'connection table' })
  t.deepEqual(await next(new Error('vswitchd is not there')), full)
  t.is((await next({ entries: 80, most: 100 })).length, 1)
  t.deepEqual(await next({ entries: 79, most: 100 }), [])
  // A kernel without a limit.
  t.deepEqual(await next({ entries: 5, most: Number.POSITIVE_INFINITY }), [])
  t.deepEqual(
    log.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message),
    ['the connection table is nearly full', 'the connection table has room again'],
  )
  t.is(changes, 2)
  table.close()
})
