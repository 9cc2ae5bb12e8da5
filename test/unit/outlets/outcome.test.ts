import test from 'ava'
import { NO_OUTCOME, type Outcome, takeOutcomes } from '../../../agent/outcome.ts'
import { createCell } from '../../../shared/run/cell.ts'
import { resolved, spec } from '../real-servers/fixtures.ts'

const { realServers } = resolved([spec()], [1, 2])

function taken(outcome: ReturnType<typeof createCell<Outcome>>) {
  const seen: (readonly string[])[] = []
  const stop = takeOutcomes(outcome, ({ altered }) => seen.push(altered.map(({ vm }) => vm.name)))
  return { seen, stop }
}

test('an outlet that is there before the first pass takes its outcome, and each that follows', t => {
  const outcome = createCell(NO_OUTCOME)
  const { seen, stop } = taken(outcome)
  t.deepEqual(seen, [])
  outcome.set({ ...NO_OUTCOME, realServers, altered: realServers })
  outcome.set({ ...NO_OUTCOME, realServers })
  t.deepEqual(seen, [['web-1', 'web-2'], []])
  stop()
  outcome.set({ ...NO_OUTCOME, realServers, altered: realServers })
  t.is(seen.length, 2)
})

test('one that comes later is told of all real servers, whatever the newest pass has found altered', t => {
  const outcome = createCell(NO_OUTCOME)
  outcome.set({ ...NO_OUTCOME, realServers, altered: realServers.slice(1) })
  const { seen } = taken(outcome)
  t.deepEqual(seen, [['web-1', 'web-2']])
  outcome.set({ ...NO_OUTCOME, realServers, altered: realServers.slice(1) })
  t.deepEqual(seen.at(-1), ['web-2'])
})
