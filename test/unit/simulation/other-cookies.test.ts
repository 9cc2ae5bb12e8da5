import test from 'ava'
import { openStore } from '../../../agent/store/store.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { actionsText } from '../../../shared/openflow/text.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { startSimulated } from './agent.ts'
import { createModelSwitch, type ModelSwitch } from './model-switch.ts'

const actionsOf = ({ flows }: ModelSwitch) =>
  new Map([...flows].map(([key, { actions }]) => [key, actionsText(actions)]))
const cookiesOf = ({ flows }: ModelSwitch) => new Set([...flows.values()].map(({ cookie }) => cookie))

test('after an upgrade that gives VIPs other cookies, one bundle replaces their flows, and no action changes', async t => {
  const store = openStore(':memory:')
  const clock = fakeClock()
  const sw = createModelSwitch('agent')
  const run = async () => {
    const agent = startSimulated({ store, sw, clock, log: quiet, held: new Set() })
    const { inputs, guests } = agent
    const specs = [spec(), spec({ service: 'six', vip: '2001:db8::100' })]
    inputs.services.set({ synced: true, specs, problems: [], documents: [], files: [] })
    inputs.inventory.set(inventory(domain(1)))
    inputs.ports.set(ports(port(1)))
    agent.switchUp()
    await clock.advance(1000)
    while (guests.settle(() => 0)) await clock.advance(1000)
    agent.kill()
  }
  await run()
  const [actions, cookies, { commits }] = [actionsOf(sw), cookiesOf(sw), sw]
  await run()
  t.is(sw.commits, commits, 'a restart changes nothing')
  t.deepEqual(cookiesOf(sw), cookies)
  // The flows in the switch have cookies that this state file does not know.
  store.vipNumbers.keep(() => false)
  await run()
  t.is(sw.commits, commits + 1)
  t.notDeepEqual(cookiesOf(sw), cookies)
  t.deepEqual(actionsOf(sw), actions)
  store.close()
})
