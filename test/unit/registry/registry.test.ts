import test from 'ava'
import fc from 'fast-check'
import type { HostReport } from '../../../director/intake/types.ts'
import { fleet } from '../../../director/registry/fleet.ts'
import {
  applyDelta,
  emptyRegistry,
  excuse,
  expire,
  nextExpiry,
  register,
  renew,
  restoreRegistry,
} from '../../../director/registry/registry.ts'
import { type HostServices, virtualServices } from '../../../director/registry/services.ts'
import type { Registry } from '../../../director/registry/types.ts'
import type { RealServerReport } from '../../../shared/rpc/real-server.ts'
import { spec as specOf } from '../real-servers/fixtures.ts'
import { reported as rs } from './fixture.ts'

const LEASE = 15_000

function host(n: number, realServers: readonly RealServerReport[], change: Partial<HostReport> = {}): HostReport {
  return {
    hostId: `rs${n}`,
    hostMac: `02:00:00:00:00:2${n}`,
    hostIp: `172.24.1.2${n}`,
    version: '1',
    realServers: new Map(realServers.map(one => [one.id, one])),
    ...change,
  }
}

const spec = specOf()

/** Every host may bring services of its own. */
const ANYTHING: HostServices = { authority: () => undefined, wasInForce: () => false }

const states = (registry: Registry) => fleet(registry).realServers.map(({ id, state }) => `${id} ${state}`)

test('a lease that runs out marks the host lost and keeps its real servers; any message brings it back', t => {
  let registry = register(emptyRegistry(), host(1, [rs('a')]), 1000, LEASE)
  t.is(nextExpiry(registry), 16_000)
  t.is(expire(registry, 15_999), registry)
  registry = renew(registry, 'rs1', 10_000, LEASE)
  t.is(expire(registry, 16_000), registry)
  const { revision } = registry
  registry = expire(registry, 25_000)
  t.true(registry.revision > revision, 'this asks for a pass')
  t.deepEqual(states(registry), ['rs1/a lost'])
  const day = 24 * 3600 * 1000
  t.is(nextExpiry(registry), 25_000 + day)
  t.is(expire(registry, 24_999 + day), registry)
  t.is(expire(registry, 25_000 + day).hosts.size, 0)
  registry = renew(registry, 'rs1', 30_000, LEASE)
  t.deepEqual(states(registry), ['rs1/a ready'])
})

test('after a restart hosts that were alive have one lease, lost ones stay lost', t => {
  let before = register(emptyRegistry(), host(1, [rs('a')]), 0, LEASE)
  before = register(expire(before, LEASE), host(2, [rs('b')]), LEASE, LEASE)
  const registry = restoreRegistry([...before.hosts.values()], 7, LEASE)
  t.deepEqual(states(registry), ['rs1/a lost', 'rs2/b ready'])
  t.is(nextExpiry(registry), 7 + LEASE)
  t.is(register(registry, host(3, []), 8, LEASE).hosts.get('rs3')?.seq, 3)
})

test('a delta of a host that has not registered changes nothing', t => {
  const registry = emptyRegistry()
  t.is(applyDelta(registry, 'rs9', { upserted: [rs('a')], removedIds: [] }), registry)
})

test('deltas lead to the same as one registration of the outcome', t => {
  const id = fc.constantFrom('a', 'b', 'c', 'd')
  const delta = fc.record({
    upserted: fc.array(fc.tuple(id, fc.integer({ min: 0, max: 9 })), { maxLength: 3 }),
    removedIds: fc.array(id, { maxLength: 2 }),
  })
  fc.assert(
    fc.property(fc.array(delta, { maxLength: 8 }), deltas => {
      let registry = register(emptyRegistry(), host(1, [rs('a')]), 0, LEASE)
      const model = new Map([['a', rs('a')]])
      for (const { upserted, removedIds } of deltas) {
        const reports = upserted.map(([name, weight]) => rs(name, { weight, ingressPort: 8000 + name.charCodeAt(0) }))
        registry = applyDelta(registry, 'rs1', { upserted: reports, removedIds })
        for (const name of removedIds) model.delete(name)
        for (const report of reports) model.set(report.id, report)
      }
      const whole = register(emptyRegistry(), host(1, [...model.values()]), 0, LEASE)
      t.deepEqual(fleet(registry), fleet(whole))
    }),
  )
})

test('two claims to one host MAC and ingress port: the elder host keeps it, whatever the order of later messages', t => {
  const mac = { hostMac: '02:00:00:00:00:99' }
  let registry = register(emptyRegistry(), host(2, [rs('a')], mac), 0, LEASE)
  registry = register(registry, host(1, [rs('a')], mac), 1, LEASE)
  registry = register(registry, host(2, [rs('a')], mac), 2, LEASE)
  const { realServers, problems } = fleet(registry)
  t.deepEqual(
    realServers.map(one => one.id),
    ['rs2/a'],
  )
  t.is(problems.length, 1)
  t.is(problems[0]?.subject, 'rs1/a')
  t.regex(problems[0]?.reason ?? '', /ingress port 8080 belongs to rs2\/a/)
  // The same machine under a new name: the old name is lost after a while, and its claims end.
  registry = renew(expire(registry, 10_000 + LEASE), 'rs1', 10_000 + LEASE, LEASE)
  t.is(fleet(registry).realServers[0]?.id, 'rs1/a')
})

test('one ingress port on two hosts, or for two VIPs on one host, is no conflict', t => {
  let registry = register(emptyRegistry(), host(1, [rs('a'), rs('b', { vip: '10.10.1.101' })]), 0, LEASE)
  registry = register(registry, host(2, [rs('a')]), 0, LEASE)
  t.deepEqual(fleet(registry).problems, [])
})

test("a file on hosts only makes a virtual service too; one that disagrees with the director's is a problem", t => {
  const registry = register(
    emptyRegistry(),
    host(1, [
      rs('a'),
      rs('b', { service: 'dns', vipPort: 53, protocol: 'udp' }),
      rs('c', { vipPort: 81, ingressPort: 1 }),
    ]),
    0,
    LEASE,
  )
  const { services, problems } = virtualServices([spec], fleet(registry).realServers, ANYTHING)
  t.deepEqual(
    services.map(service => [service.key, service.source, service.realServers.map(one => one.id)]),
    [
      ['tcp 10.10.1.100:80', 'web.yaml:1', ['rs1/a']],
      ['udp 10.10.1.100:53', 'host rs1', ['rs1/b']],
    ],
  )
  t.is(problems.length, 1)
  t.regex(problems[0]?.reason ?? '', /host rs1 has service web as tcp 10\.10\.1\.100:81, but web\.yaml:1 says/)
})

test('another name for a VIP and port that has one is a problem', t => {
  const registry = register(emptyRegistry(), host(1, [rs('a', { service: 'other' })]), 0, LEASE)
  const { services, problems } = virtualServices([spec], fleet(registry).realServers, ANYTHING)
  t.deepEqual(services[0]?.realServers, [])
  t.regex(problems[0]?.reason ?? '', /as service other, but web\.yaml:1 calls it web/)
})

test('who could not listen has missed nobody: the living get a whole lease, the lost stay lost', t => {
  let registry = register(emptyRegistry(), host(1, [rs('a')]), 0, LEASE)
  registry = expire(registry, LEASE)
  registry = register(registry, host(2, [rs('b')]), LEASE, LEASE)
  const late = 10 * LEASE
  t.deepEqual(
    [...expire(excuse(registry, late, LEASE), late).hosts.values()].map(({ state }) => state),
    ['lost', 'alive'],
  )
  t.deepEqual(
    [...expire(excuse(registry, late, LEASE), late + LEASE).hosts.values()].map(({ state }) => state),
    ['lost', 'lost'],
  )
})
