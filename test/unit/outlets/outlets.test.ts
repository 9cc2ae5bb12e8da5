import test from 'ava'
import { NO_OUTCOME } from '../../../agent/outcome.ts'
import { createAgentOutlets } from '../../../agent/outlets/outlets.ts'
import type { RealServer } from '../../../agent/real-servers/types.ts'
import { createRemovals } from '../../../shared/run/removals.ts'
import { resolved, spec } from '../real-servers/fixtures.ts'
import { memoryLog } from '../run/memory-log.ts'

const { realServers } = resolved([spec()], [1, 2])

function setUp() {
  const marks: string[] = []
  const log = memoryLog()
  const removals = createRemovals<RealServer>()
  const outlets = createAgentOutlets(removals, log)
  outlets.plugged.subscribe(name => marks.push(name))
  /** Plugs an outlet in that notes which real servers it was told of as altered. */
  const noted = (name: string) => {
    const seen: (readonly string[])[] = []
    const stop = outlets.plug({ name, take: ({ altered }) => seen.push(altered.map(({ vm }) => vm.name)) })
    return { seen, stop }
  }
  const tell = (altered = realServers.slice(1)) => outlets.tell({ ...NO_OUTCOME, realServers, altered })
  return { marks, log, outlets, noted, tell }
}

test('an outlet asks for a pass; its first outcome has all real servers as altered, each that follows as the pass found', t => {
  const { marks, noted, tell } = setUp()
  const early = noted('guests')
  t.deepEqual(tell(), [])
  const late = noted('reports')
  t.deepEqual(late.seen, [], 'what was said before is not said again')
  t.deepEqual(marks, ['guests', 'reports'])
  tell()
  tell([])
  t.deepEqual(early.seen, [['web-1', 'web-2'], ['web-2'], []])
  t.deepEqual(late.seen, [['web-1', 'web-2'], []])
  early.stop()
  tell()
  t.is(early.seen.length, 3)
  t.is(late.seen.length, 3)
})

test('an outlet that fails keeps the outcome from no other, is named, and then hears of all real servers', t => {
  const { log, outlets, noted, tell } = setUp()
  const error = new Error('no')
  const seen: number[] = []
  let failing = false
  outlets.plug({
    name: 'guests',
    take: ({ altered }) => {
      if (failing) throw error
      seen.push(altered.length)
    },
  })
  const { seen: behind } = noted('reports')
  tell()
  failing = true
  t.deepEqual(tell(), [error])
  failing = false
  tell()
  tell()
  t.deepEqual(seen, [2, 2, 1])
  t.deepEqual(behind, [['web-1', 'web-2'], ['web-2'], ['web-2'], ['web-2']])
  t.deepEqual(
    log.lines.map(({ level, message }) => `${level} ${message}`),
    ['warn guests: the result of a pass could not be taken'],
  )
})
