import test from 'ava'
import fc from 'fast-check'
import type { HostServiceAuthority } from '../../../director/authority/host-services.ts'
import { compile } from '../../../director/compile/compile.ts'
import { createCompiler } from '../../../director/compile/compiler.ts'
import type { Site } from '../../../director/compile/types.ts'
import type { HostReport } from '../../../director/intake/types.ts'
import { makePlan, unjudged } from '../../../director/plan/plan.ts'
import { createPlanner } from '../../../director/plan/planner.ts'
import { fleet } from '../../../director/registry/fleet.ts'
import { applyDelta, emptyRegistry, expire, register, renew } from '../../../director/registry/registry.ts'
import { type Claimants, virtualServices } from '../../../director/registry/services.ts'
import type { Registry } from '../../../director/registry/types.ts'
import type { Numbers } from '../../../director/store/numbers.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import type { Compiled } from '../../../shared/flows/compiled.ts'
import type { RealServerReport } from '../../../shared/rpc/real-server.ts'
import { vipNumbers } from '../vip-numbers.ts'

/** Few names, addresses and ports, so that services and real servers conflict often. */
const SERVICES = ['web', 'dns', 'shop'] as const
const LEASE = 100

const report = fc.record({
  n: fc.integer({ min: 0, max: 3 }),
  service: fc.constantFrom(...SERVICES),
  vip: fc.constantFrom('10.10.1.100', '10.10.1.101', '2001:db8::1'),
  vipPort: fc.constantFrom(80, 81),
  ingressPort: fc.constantFrom(8080, 8081),
  weight: fc.integer({ min: 0, max: 2 }),
  state: fc.constantFrom('ready', 'down', 'draining', 'pending'),
  scheduler: fc.constantFrom('rr', 'sh'),
})

const asReport = ({ n, ...rest }: typeof report extends fc.Arbitrary<infer T> ? T : never): RealServerReport => ({
  ...rest,
  id: `rs-${n}`,
  protocol: 'tcp',
  rsPort: 8080,
  vm: `vm-${n}`,
  vmUuid: `uuid-${n}`,
  reason: '',
})

const specs = fc
  .uniqueArray(
    fc.record({
      service: fc.constantFrom(...SERVICES),
      vip: fc.constantFrom('10.10.1.100', '10.10.1.101', '2001:db8::1'),
      port: fc.constantFrom(80, 81),
      scheduler: fc.constantFrom('rr', 'wlc', 'mh'),
      sorry: fc.boolean(),
      line: fc.integer({ min: 1, max: 2 }),
    }),
    // The directory's rules allow only this: one name, one address.
    { maxLength: 3, comparator: (a, b) => a.service === b.service || (a.vip === b.vip && a.port === b.port) },
  )
  .map(list =>
    list.map(
      ({ line, sorry, ...rest }): ServiceSpec => ({
        ...rest,
        protocol: 'tcp',
        clients: ['0.0.0.0/0'],
        arp: 'answer',
        realServers: [{ vm: 'vm-1', port: 8080, weight: 1, sorry }],
        source: { origin: 'file', file: `${rest.service}.yaml`, line },
      }),
    ),
  )

const host = fc.integer({ min: 1, max: 3 })
const event = fc.oneof(
  fc.record({ kind: fc.constant('register'), host, twin: fc.boolean(), list: fc.array(report, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constant('delta'),
    host,
    list: fc.array(report, { maxLength: 2 }),
    removed: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant('time'), by: fc.constantFrom(10, LEASE, 24 * 3600 * 1000) }),
  fc.record({ kind: fc.constant('renew'), host }),
  fc.record({ kind: fc.constant('files'), specs, keep: fc.boolean() }),
  fc.record({ kind: fc.constant('site'), n: fc.integer({ min: 1, max: 2 }) }),
  fc.record({ kind: fc.constant('full') }),
  fc.record({ kind: fc.constant('policy'), hosts: fc.subarray(['host-1', 'host-2', 'host-3']) }),
)

const site = (n: number): Site => ({
  directorMac: `02:00:00:00:01:0${n}`,
  recallMac: `0a:00:00:00:01:0${n}`,
  uplink: 1,
  ownMacs: [],
  accessPorts: [],
  fabric: 'l2',
  accounting: true,
})

function hostReport(n: number, twin: boolean, list: readonly RealServerReport[]): HostReport {
  return {
    hostId: `host-${n}`,
    // A twin claims another host's address.
    hostMac: `02:00:00:00:00:2${twin ? 1 : n}`,
    hostIp: `172.24.1.2${n}`,
    version: '1',
    realServers: new Map(list.map(rs => [rs.id, rs])),
  }
}

function numbersInMemory(): Numbers & { full: boolean } {
  const known = new Map<string, number>()
  const unsaved = new Set<string>()
  return {
    full: false,
    of(kind, name) {
      const key = `${kind} ${name}`
      if (!known.has(key)) {
        known.set(key, known.size + 1)
        unsaved.add(key)
      }
      return known.get(key)!
    },
    isKept: (kind, name) => known.has(`${kind} ${name}`) && !unsaved.has(`${kind} ${name}`),
    save() {
      if (unsaved.size > 0 && this.full) throw new Error('no space left on the device')
      unsaved.clear()
    },
  }
}

const sorted = (list: readonly unknown[]) => list.map(item => JSON.stringify(item)).sort()
const signatures = (compiled: Compiled) =>
  new Map(
    Array.from(compiled, ([name, { signature }]) => [name, signature] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  )

test('planner and compiler come to what the whole plan and its compilation are, whatever happens before', t => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 1, maxLength: 25 }), events => {
      const numbers = numbersInMemory()
      const planner = createPlanner(numbers)
      const vips = vipNumbers()
      const compiler = createCompiler(vips)
      const knowledge = () => ({ now: 0 })
      let registry: Registry = emptyRegistry()
      let files: readonly ServiceSpec[] = []
      let place = site(1)
      let now = 0
      let before = signatures(compiler.compiled)
      let authority: HostServiceAuthority = () => undefined
      /** Services of hosts only that were in force before the event. */
      let hosted = new Set<string>()
      for (const one of events) {
        if (one.kind === 'register')
          registry = register(registry, hostReport(one.host, one.twin, one.list.map(asReport)), now, LEASE)
        else if (one.kind === 'delta') {
          const delta = { upserted: one.list.map(asReport), removedIds: one.removed.map(n => `rs-${n}`) }
          registry = applyDelta(registry, `host-${one.host}`, delta)
        } else if (one.kind === 'time') registry = expire(registry, (now += one.by))
        else if (one.kind === 'renew') registry = renew(registry, `host-${one.host}`, now, LEASE)
        else if (one.kind === 'files') {
          // As from the watcher: what has not changed is the same object.
          const same = (spec: ServiceSpec) => files.find(old => JSON.stringify(old) === JSON.stringify(spec)) ?? spec
          files = one.keep ? one.specs.map(same) : one.specs
        } else if (one.kind === 'site') place = site(one.n)
        else if (one.kind === 'policy') authority = id => (one.hosts.includes(id) ? undefined : 'it may not')
        const input = { specs: files, registry, due: new Set<string>(), knowledge, authority }
        if (one.kind === 'register') planner.take(registry, 1)
        if (one.kind === 'renew') {
          planner.take(registry, 0)
          continue
        }
        numbers.full = one.kind === 'full'
        let planned = planner.update({ ...input, most: one.kind === 'delta' ? 1 : 9 })
        for (;;) {
          const changed = compiler.update({
            site: place,
            services: planned.compiled,
            altered: planned.altered.compiled,
            gone: planned.gone.map(({ compiled }) => compiled),
          })
          const after = signatures(compiler.compiled)
          t.deepEqual(after, signatures(compile(place, planned.compiled, vips.of)))
          const told = new Set(changed)
          for (const name of new Set([...before.keys(), ...after.keys()]))
            if (before.get(name) !== after.get(name)) t.true(told.has(name), name)
          before = after
          if (!planned.more) break
          planned = planner.update({ ...input, most: 1 })
        }
        numbers.full = false
        const inForce = hosted
        const hostServices = { authority, wasInForce: (one: Claimants) => inForce.has(`${one.service} ${one.key}`) }
        const virtual = virtualServices(files, fleet(registry).realServers, hostServices).services
        hosted = new Set(
          virtual.flatMap(({ service, key, source }) => (source.startsWith('host ') ? `${service} ${key}` : [])),
        )
        // Where there is no new number to keep, a full disk does not matter.
        if (planned.failure !== undefined) {
          t.regex(planned.problems.map(({ reason }) => reason).join(), /cannot be written down: no space left/)
          continue
        }
        const whole = makePlan(files, registry, numbers, knowledge, unjudged, hostServices)
        t.deepEqual(planned.services, whole.services)
        t.deepEqual(planned.compiled, whole.compiled)
        t.deepEqual(sorted(planned.problems), sorted(whole.problems))
      }
    }),
    { numRuns: 1000 },
  )
})

test('one changed real server, file or host touches its own services only, of a thousand', t => {
  const numbers = numbersInMemory()
  const planner = createPlanner(numbers)
  let asked = 0
  const knowledge = () => {
    asked++
    return { now: 0 }
  }
  const spec = (n: number, scheduler: ServiceSpec['scheduler'] = 'rr'): ServiceSpec => ({
    service: `s${n}`,
    vip: `10.0.${n >> 8}.${n & 255}`,
    port: 80,
    protocol: 'tcp',
    scheduler,
    clients: ['0.0.0.0/0'],
    arp: 'answer',
    realServers: [{ vm: `vm-${n}-*`, port: 80, weight: 1 }],
    source: { origin: 'file', file: `s${n}.yaml`, line: 1 },
  })
  const rs = (n: number, weight = 1): RealServerReport => ({
    ...asReport({
      n,
      service: 'web',
      vip: '10.10.1.100',
      vipPort: 80,
      ingressPort: 8080,
      weight,
      state: 'ready',
      scheduler: 'rr',
    }),
    service: `s${n}`,
    vip: spec(n).vip,
  })
  const all = Array.from({ length: 1000 }, (_, n) => n)
  let files = all.map(n => spec(n))
  let registry: Registry = emptyRegistry()
  for (const h of [1, 2]) {
    const half = all.filter(n => n % 2 === h - 1 || n < 20)
    registry = register(
      registry,
      hostReport(
        h,
        false,
        half.map(n => rs(n)),
      ),
      0,
      LEASE,
    )
  }
  const update = () => {
    asked = 0
    const { altered, gone } = planner.update({ specs: files, registry, due: new Set(), knowledge })
    t.is(asked, altered.services.length)
    t.is(gone.length, 0)
    return altered.services.map(({ service }) => service)
  }
  t.is(update().length, 1000)
  t.deepEqual(update(), [])
  registry = applyDelta(registry, 'host-1', { upserted: [rs(500, 0)], removedIds: [] })
  t.deepEqual(update(), ['s500'])
  files = files.with(7, spec(7, 'sh'))
  t.deepEqual(update(), ['s7'])
  registry = renew(registry, 'host-1', 1, LEASE)
  t.deepEqual(update(), [], 'a longer lease')
  registry = register(registry, { ...registry.hosts.get('host-1')!, version: '2' }, 2, LEASE)
  t.deepEqual(update(), [], 'an agent that has come back')
  t.deepEqual(
    planner
      .update({ specs: files, registry, due: new Set(['tcp 10.0.0.3:80']), knowledge })
      .altered.services.map(s => s.service),
    ['s3'],
  )
  registry = renew(expire(registry, LEASE + 1), 'host-1', LEASE + 1, LEASE)
  t.is(update().length, 510, 'host 2 is lost')
})

test('while no number can be written down, what needs a new one waits and is named; what is dead leaves at once', t => {
  const numbers = numbersInMemory()
  const planner = createPlanner(numbers)
  const spec = (service: string, vip: string): ServiceSpec => ({
    service,
    vip,
    port: 80,
    protocol: 'tcp',
    scheduler: 'rr',
    clients: ['0.0.0.0/0'],
    arp: 'answer',
    realServers: [{ vm: 'vm-*', port: 8080, weight: 1 }],
    source: { origin: 'file', file: `${service}.yaml`, line: 1 },
  })
  const web = (n: number, state: RealServerReport['state']): RealServerReport => {
    const same = asReport({
      ...{ n, service: 'web', vip: '10.10.1.100', vipPort: 80, ingressPort: 8080, weight: 1, state, scheduler: 'rr' },
    })
    return { ...same, ingressPort: 8080 + n }
  }
  let files = [spec('web', '10.10.1.100')]
  let registry = register(emptyRegistry(), hostReport(1, false, [web(1, 'ready'), web(2, 'ready')]), 0, LEASE)
  const update = () => {
    const planned = planner.update({ specs: files, registry, due: new Set(), knowledge: () => ({ now: 0 }) })
    const scheduled = planned.services.map((service, i) => [service.service, planned.compiled[i]!.targets.length])
    return { ...planned, scheduled: Object.fromEntries(scheduled) as Record<string, number> }
  }
  t.deepEqual(update().scheduled, { web: 2 })
  numbers.full = true
  files = [...files, spec('new', '10.10.1.101')]
  registry = applyDelta(registry, 'host-1', { upserted: [web(1, 'down'), web(3, 'ready')], removedIds: [] })
  const waiting = update()
  t.deepEqual(waiting.scheduled, { web: 1 })
  t.deepEqual(
    waiting.services[0]!.realServers.map(({ vm }) => vm),
    ['vm-1', 'vm-2'],
  )
  t.deepEqual(
    waiting.problems.map(({ service, reason }) => `${service}: ${reason}`).sort(),
    ['new', 'web'].map(name => `${name}: its number cannot be written down: no space left on the device`),
  )
  t.like(waiting.failure?.error, { message: 'no space left on the device' })
  registry = applyDelta(registry, 'host-1', { upserted: [web(1, 'ready')], removedIds: [] })
  t.deepEqual(update().scheduled, { web: 2 }, 'one that comes back has its number')
  numbers.full = false
  const { scheduled, problems, failure } = update()
  t.deepEqual(scheduled, { new: 0, web: 3 })
  t.deepEqual(problems, [])
  t.is(failure, undefined)
})
