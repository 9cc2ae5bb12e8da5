import test from 'ava'
import { createSweepGate, type Inputs } from '../../../agent/inputs.ts'
import { openStore } from '../../../agent/store/store.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { domain, inventory, mac, port, ports, spec, uuid } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { startSimulated } from './agent.ts'
import { createModelSwitch } from './model-switch.ts'

const WEB = spec()
const UNREADABLE = [{ uuid: uuid(1), name: 'web-1', reason: 'no <domain> element' }]

test('a VM that cannot be read any more keeps the record of its VIP, and its shield', async t => {
  const store = openStore(':memory:')
  const clock = fakeClock()
  const sw = createModelSwitch('agent')
  const agent = startSimulated({ store, sw, clock, log: quiet, held: new Set() })
  t.teardown(() => {
    agent.kill()
    store.close()
  })
  const settle = async () => {
    await clock.advance(1000)
    while (agent.guests.settle(() => 0)) await clock.advance(1000)
  }
  const shields = () => [...sw.flows.values()].filter(({ match }) => match.arp_spa === WEB.vip && match.in_port === 11)
  agent.inputs.services.set({ synced: true, specs: [WEB], problems: [], documents: [], files: [] })
  agent.inputs.ports.set(ports(port(1)))
  agent.inputs.inventory.set(inventory(domain(1)))
  agent.switchUp()
  await settle()
  t.deepEqual([...agent.guests.held], [`${mac(1)} ${WEB.vip}`])
  const before = shields()
  t.true(before.length > 0)

  agent.inputs.inventory.set({ ...inventory(), unreadable: UNREADABLE })
  await settle()
  t.deepEqual(
    store.guestRecords.list().map(({ vmUuid }) => vmUuid),
    [uuid(1)],
  )
  t.deepEqual(shields(), before)

  agent.inputs.inventory.set(inventory())
  await settle()
  t.deepEqual(store.guestRecords.list(), [], 'libvirt says that there is none')
  t.deepEqual(shields(), [])
})

test('after --rebuild-state nothing is swept while there is a VM that was never read', t => {
  const inputs = (unreadable: typeof UNREADABLE, ...known: Parameters<typeof inventory>) =>
    ({
      services: { synced: true },
      ports: { synced: true },
      documents: { heard: true },
      inventory: { ...inventory(...known), unreadable },
    }) as unknown as Inputs
  const rebuilt = createSweepGate(true)
  t.false(rebuilt(inputs(UNREADABLE), false))
  t.false(rebuilt(inputs(UNREADABLE, domain(1)), true), 'what a director may give is not known yet')
  t.true(rebuilt(inputs(UNREADABLE, domain(1)), false))
  t.true(createSweepGate(true)(inputs([]), false))
  t.true(createSweepGate(false)(inputs(UNREADABLE), false))
})
