import test from 'ava'
import { agentStatus } from '../../../agent/outlets/status.ts'
import { openStore } from '../../../agent/store/store.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { createTimeline } from '../../../shared/run/timeline.ts'
import { domain, inventory, port, ports, spec, uuid } from '../real-servers/fixtures.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { startSimulated } from '../simulation/agent.ts'
import { failingStore } from '../simulation/failing-store.ts'
import { createModelSwitch } from '../simulation/model-switch.ts'

test('status names a state file that cannot be written, who waits for it, and a VM that cannot be read', async t => {
  const store = failingStore(openStore(':memory:'))
  const clock = fakeClock()
  const agent = startSimulated({ store, sw: createModelSwitch('agent'), clock, log: quiet, held: new Set() })
  t.teardown(() => {
    agent.kill()
    store.close()
  })
  const problems = () =>
    [
      ...agentStatus({
        ...{
          id: 'rs1',
          version: '1',
          startedAt: '',
          bridge: 'br0',
          uplink: 'uplink0',
          servicesDir: '/',
          directors: [],
        },
        ...{ cells: agent.cells, applier: agent.applier, timeline: createTimeline(clock), store, loop: agent.loop },
      }).problems!,
    ]
      .filter(({ code }) => code !== 'REAL_SERVER' && code !== 'UPLINK_MISSING')
      .map(({ code, subject, message }) => `${code} ${subject}: ${message}`)

  agent.inputs.services.set({ synced: true, specs: [spec()], problems: [], documents: [], files: [] })
  agent.inputs.ports.set(ports(port(1)))
  agent.inputs.inventory.set({
    ...inventory(domain(1)),
    unreadable: [{ uuid: uuid(2), name: 'web-2', reason: 'no <domain> element' }],
  })
  store.fail(Number.POSITIVE_INFINITY)
  agent.switchUp()
  await clock.advance(1000)
  const unreadable =
    'VM_UNREADABLE web-2: libvirt lists it, and it cannot be read: no <domain> element; what was known of it stays in force'
  t.deepEqual(problems(), [
    'STORE_FAILED state file: what a restart needs is not saved, and is tried again: the disk is full',
    unreadable,
    `STORE_FAILED web/${uuid(1)}/8080: web on VM web-1 waits, because its number cannot be written down: the disk is full`,
  ])
  store.fail(0)
  await clock.advance(15_000)
  t.deepEqual(problems(), [unreadable])
})
