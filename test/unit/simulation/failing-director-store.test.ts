import test from 'ava'
import { setSite } from '../../../director/parts/bridge.ts'
import { openStore } from '../../../director/store/store.ts'
import type { RealServerReport } from '../../../shared/rpc/real-server.ts'
import { SITE } from '../director/site.ts'
import { spec } from '../real-servers/fixtures.ts'
import { PEER } from '../registry/fixture.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { LEASE, type Surroundings, startDirector } from './director.ts'
import { createModelSwitch } from './model-switch.ts'

const web = (n: number, state: RealServerReport['state'] = 'ready'): RealServerReport => ({
  ...{ id: `web-${n}`, service: 'web', vip: '10.10.1.100', protocol: 'tcp', vipPort: 80, ingressPort: 8080 + n },
  ...{ rsPort: 8080, vm: `web-${n}`, vmUuid: `${n}`, weight: 1, state, reason: '', scheduler: 'rr' },
})

const report = (...list: RealServerReport[]) => ({
  hostId: 'rs1',
  hostMac: '02:00:00:00:00:21',
  hostIp: '172.24.1.21',
  version: '1',
  realServers: new Map(list.map(one => [one.id, one])),
})

type Write = 'hosts' | 'files' | 'numbers' | 'vips'
const WRITES: readonly (readonly Write[])[] = [
  ['hosts'],
  ['files'],
  ['numbers'],
  ['vips'],
  ['hosts', 'files', 'numbers', 'vips'],
]

for (const writes of WRITES) {
  test(`${writes.join(', ')} cannot be written: who dies leaves scheduling, who comes back is found`, async t => {
    const failing: Surroundings['failing'] = new Set()
    const clock = fakeClock()
    const store = openStore(':memory:')
    const sw = createModelSwitch('director')
    const director = startDirector({ store, sw, clock, failing, table: new Map() })
    t.teardown(() => {
      director.kill()
      store.close()
    })
    const { cells, loop } = director.house
    const ports = () =>
      new Set([...sw.flows.values()].flatMap(flow => JSON.stringify(flow.actions, plain).match(/808\d/g) ?? []))
    setSite(director.house, SITE)
    cells.services.set({ synced: true, specs: [spec()], problems: [], documents: [], files: [] })
    director.handlers.onUp()
    director.agents.onRegistration(report(web(1), web(2)), PEER)
    await clock.advance(100)
    t.deepEqual(ports(), new Set(['8081', '8082']))

    for (const write of writes) failing.add(write)
    const tell = async (...upserted: RealServerReport[]) => {
      director.agents.onDelta('rs1', { upserted, removedIds: [] })
      // As long as a pass after one that has failed may take.
      await clock.advance(150)
    }
    await tell(web(1, 'down'))
    t.deepEqual(ports(), new Set(['8082']))
    // A file that is new, and a real server that needs a number.
    cells.services.set({ ...cells.services.get(), specs: [spec(), spec({ service: 'new', vip: '10.10.1.101' })] })
    await tell(web(1), web(3))
    t.true(ports().isSupersetOf(new Set(['8081', '8082'])))
    t.is(ports().has('8083'), !failing.has('numbers'))
    await tell(web(2, 'down'))
    t.false(ports().has('8082'))

    failing.clear()
    await clock.advance(LEASE / 2)
    t.deepEqual(ports(), new Set(['8081', '8083']))
    t.false(loop.dirty)
    t.deepEqual(
      [...store.hosts.load()[0]!.realServers.values()].map(({ id, state }) => `${id} ${state}`),
      ['web-1 ready', 'web-2 down', 'web-3 ready'],
    )
  })
}

const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)
