import test from 'ava'
import { createCells, setInput } from '../../../director/cells.ts'
import { createDirectorLoop } from '../../../director/loop.ts'
import { setSite } from '../../../director/parts/bridge.ts'
import { restoreRegistry } from '../../../director/registry/registry.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { SITE } from './site.ts'

function setUp() {
  const clock = fakeClock()
  const cells = createCells(clock, restoreRegistry([], clock.now(), 1000))
  const passes: string[] = []
  const pass = async () => {
    passes.push('pass')
    return { applied: { added: 1, changed: 0, deleted: 0 } } as never
  }
  const loop = createDirectorLoop({ cells, applier: { distrust: () => {} }, log: quiet, clock, pass })
  setSite({ cells }, SITE)
  cells.services.set({ ...cells.services.get(), synced: true })
  setInput(cells.inputStates.switch, clock, 'in sync', 'connected')
  return { clock, cells, loop, passes }
}

test('the loop does not act before it is started, whatever is in sync', async t => {
  const { clock, cells, loop, passes } = setUp()
  loop.mark('files')
  await clock.advance(1000)
  t.deepEqual(passes, [])
  t.is(cells.waiting.get(), 'the start of all parts')
  loop.start()
  await clock.advance(1000)
  t.is(cells.waiting.get(), undefined)
  t.true(passes.length > 0)
})
