import test from 'ava'
import { createHostServices, hostServiceAuthority } from '../../../director/authority/host-services.ts'
import { directorConfigSchema } from '../../../director/config.ts'
import { gatewaysOf } from '../../../director/intake/own-addresses.ts'
import { createPlanner } from '../../../director/plan/planner.ts'
import { applyDelta, emptyRegistry, expire, register } from '../../../director/registry/registry.ts'
import type { Registry } from '../../../director/registry/types.ts'
import { openStore } from '../../../director/store/store.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { spec } from '../real-servers/fixtures.ts'
import { reported } from '../registry/fixture.ts'
import { registryHandlers } from '../report/ends.ts'
import { fakeClock } from '../run/fake-clock.ts'

const RULES = [
  { hosts: 'edge-*', vips: ['10.10.1.0/24', '10.10.2.7/32'] },
  { hosts: 'rs1', vips: ['10.10.3.0/24'] },
]
const RESERVED = new Map([['10.10.1.1', 'the gateway of the director']])

/** Rules × host × VIP → nothing, or the reason. */
const CASES: readonly (readonly [string, string, RegExp | undefined])[] = [
  ['edge-1', '10.10.1.53', undefined],
  ['edge-1', '10.10.2.7', undefined],
  ['edge-1', '10.10.2.8', /hostServices: \[\{hosts: 'edge-1', vips: \[10\.10\.2\.8\/32\]\}\]/],
  ['edge-1', '10.10.3.1', /hostServices/],
  ['rs1', '10.10.3.1', undefined],
  ['rs1', '10.10.1.53', /hostServices/],
  ['stranger', '10.10.1.53', /hostServices/],
  ['edge-1', '10.10.1.1', /10\.10\.1\.1 is the address of the gateway of the director/],
  ['edge-1', 'fd00::1', /hostServices/],
]

for (const [host, vip, wanted] of CASES)
  test(`a service of ${host}'s own at ${vip}`, t => {
    const reason = hostServiceAuthority(RULES, RESERVED)(host, vip)
    if (wanted === undefined) t.is(reason, undefined)
    else t.regex(reason ?? 'allowed', wanted)
  })

test('addresses of known hosts, and of the director and its gateways, are no VIPs; the authority changes with them only', t => {
  const authorityOf = createHostServices(RULES)
  const host = { hostId: 'rs9', hostIp: '10.10.1.9' }
  const lost = { ...host, state: 'lost' }
  const own = { own: new Set(['10.10.1.2']), gateways: new Set(['10.10.1.1']) }
  const first = authorityOf([host], own)
  t.is(authorityOf([{ ...host }], own), first)
  for (const vip of ['10.10.1.9', '10.10.1.2', '10.10.1.1']) t.regex(first('edge-1', vip) ?? '', /is the address of/)
  t.is(authorityOf([lost], own), first, 'a host that is away finds its address as it left it')
  t.is(authorityOf([], own)('edge-1', '10.10.1.9'), undefined, 'until it is forgotten')
  const none = createHostServices([])
  t.is(none([host], own), none([], own))
  t.deepEqual(
    gatewaysOf('Iface\tDestination\tGateway\tFlags\neth0\t00000000\t01010A0A\t0003\neth0\t00010A0A\t00000000\t1\n'),
    ['10.10.1.1'],
  )
})

test('hostServices of the configuration has a shape', t => {
  const parse = (hostServices: unknown) =>
    directorConfigSchema.safeParse({ bridge: 'br0', uplink: 'uplink0', hostServices }).success
  t.true(parse([{ hosts: 'edge-*', vips: ['10.10.1.0/24', '10.10.2.7'] }]))
  for (const bad of [
    [{ hosts: 'edge-[', vips: ['10.10.1.0/24'] }],
    [{ hosts: 'x', vips: ['10.10.1.1/24'] }],
    [{ hosts: 'x', vips: [] }],
    [{ hosts: 'x' }],
  ])
    t.false(parse(bad), JSON.stringify(bad))
})

test('another host’s own service locks no host out of its address', t => {
  const report = {
    hostId: 'rs9',
    hostMac: '02:00:00:00:00:29',
    hostIp: '10.10.1.9',
    version: '1',
    realServers: new Map(),
  }
  const peer = { name: undefined, address: '10.10.1.9' }
  const services = (hosted: boolean) => [{ vip: report.hostIp, ...(hosted ? { hosted } : {}) }]
  const director = (hosted: boolean) => registryHandlers({ leaseMs: LEASE, clock: fakeClock() }, services(hosted))
  const { handlers, registry } = director(true)
  handlers.onRegistration(report, peer)
  t.true(registry.get().hosts.has('rs9'))
  t.throws(() => director(false).handlers.onRegistration(report, peer), {
    code: 'HOST_ADDRESS_TAKEN',
    message: /which is a VIP of the director's service files/,
  })
})

const LEASE = 1000
const host = (registry: Registry, hostId: string, ...list: ReturnType<typeof reported>[]) =>
  register(
    registry,
    {
      hostId,
      hostMac: `02:00:00:00:00:${hostId.length}${hostId.at(-1)}`,
      hostIp: '',
      version: '1',
      realServers: new Map(list.map(rs => [rs.id, rs])),
    },
    0,
    LEASE,
  )

function planning() {
  const store = openStore(':memory:')
  const authority = hostServiceAuthority(RULES, RESERVED)
  const planner = createPlanner(store.numbers)
  return (registry: Registry, specs: readonly ServiceSpec[] = []) => {
    const { services, problems } = planner.update({
      specs,
      registry,
      authority,
      due: new Set(),
      knowledge: () => ({ now: 0 }),
    })
    return {
      services: services.map(({ service, key, realServers }) => `${service} ${key} ${realServers.map(({ id }) => id)}`),
      problems: problems.map(({ code, subject }) => `${code ?? 'REGISTRY_CONFLICT'} ${subject}`),
    }
  }
}

test('what no file names is left out and named; a file that goes leaves its real servers out, one that comes counts at once', t => {
  const plan = planning()
  const web = [spec()]
  let registry = host(emptyRegistry(), 'rs1', reported('web-1'))
  registry = host(
    registry,
    'edge-1',
    reported('dns-1', { service: 'dns', vip: '10.10.1.53', vipPort: 53, protocol: 'udp' }),
  )
  registry = host(registry, 'evil-1', reported('gw', { service: 'gw', vip: '10.10.1.1' }))
  const first = plan(registry, web)
  t.deepEqual(first.services, ['web tcp 10.10.1.100:80 rs1/web-1', 'dns udp 10.10.1.53:53 edge-1/dns-1'])
  t.deepEqual(first.problems, ['HOST_SERVICE_REFUSED evil-1/gw'])
  const without = plan(registry)
  t.deepEqual(without.services, ['dns udp 10.10.1.53:53 edge-1/dns-1'])
  t.deepEqual(without.problems.toSorted(), ['HOST_SERVICE_REFUSED evil-1/gw', 'HOST_SERVICE_REFUSED rs1/web-1'])
  t.deepEqual(plan(registry, web), first)
})

test('of two services of hosts the one in force stays, whatever the newcomer is called, and while its lease runs', t => {
  const plan = planning()
  const dns = (id: string, service: string) => reported(id, { service, vip: '10.10.1.53' })
  let registry = host(emptyRegistry(), 'edge-9', dns('z', 'zulu'))
  t.deepEqual(plan(registry).services, ['zulu tcp 10.10.1.53:80 edge-9/z'])
  registry = host(registry, 'edge-1', dns('a', 'alpha'))
  const both = plan(registry)
  t.deepEqual(both.services, ['zulu tcp 10.10.1.53:80 edge-9/z'])
  t.deepEqual(both.problems, ['REGISTRY_CONFLICT edge-1/a'])
  registry = applyDelta(registry, 'edge-9', { upserted: [], removedIds: ['z'] })
  t.deepEqual(plan(registry).services, ['alpha tcp 10.10.1.53:80 edge-1/a'])
  registry = expire(registry, LEASE)
  t.deepEqual(plan(registry).services, [], 'nobody claims it any more')
})

test('a real server’s address and protocol are those of the file', t => {
  const plan = planning()
  const registry = host(
    emptyRegistry(),
    'edge-1',
    reported('a', { vip: '10.10.1.66' }),
    reported('b', { protocol: 'udp' }),
  )
  const { services, problems } = plan(registry, [spec()])
  t.deepEqual(services, ['web tcp 10.10.1.100:80 '])
  t.deepEqual(problems, ['REGISTRY_CONFLICT edge-1/a', 'REGISTRY_CONFLICT edge-1/b'])
})

test('over a restart, too, the one in force stays', t => {
  const store = openStore(':memory:')
  const authority = hostServiceAuthority(RULES, RESERVED)
  const dns = (id: string, service: string) => reported(id, { service, vip: '10.10.1.53', state: 'pending' })
  const registry = host(host(emptyRegistry(), 'edge-9', dns('z', 'zulu')), 'edge-1', dns('a', 'alpha'))
  const start = () => {
    const inForce = store.hostServices.load()
    const planner = createPlanner(store.numbers, ({ key, service }) => inForce.get(key) === service)
    return planner.update({ specs: [], registry, authority, due: new Set(), knowledge: () => ({ now: 0 }) }).services[0]
  }
  t.like(start(), { service: 'alpha', hosted: true })
  store.hostServices.change(new Map([['tcp 10.10.1.53:80', 'zulu']]))
  t.like(start(), { service: 'zulu' })
  store.hostServices.change(new Map([['tcp 10.10.1.53:80', undefined]]))
  t.is(store.hostServices.load().size, 0)
})
