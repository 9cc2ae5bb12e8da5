import test from 'ava'
import fc from 'fast-check'
import type { Domain } from '../../../agent/inventory/types.ts'
import type { BridgePort } from '../../../agent/ports/types.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import { createResolver } from '../../../agent/real-servers/resolver.ts'
import type { Allocation } from '../../../agent/store/types.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { domain, inventory, port, ports, spec } from './fixtures.ts'

const VM_PATTERNS = ['web-*', 'web-1', 'web-2', 'web-[12]', '00000000-0000-4000-8000-000000000003', 'none', 'web-?']

const anySpec = (name: string) =>
  fc
    .record({
      vip: fc.constantFrom('10.0.0.1', '10.0.0.2'),
      port: fc.integer({ min: 80, max: 83 }),
      protocol: fc.constantFrom('tcp' as const, 'udp' as const),
      weight: fc.integer({ min: 0, max: 2 }),
      realServers: fc.array(
        fc.record({
          vm: fc.constantFrom(...VM_PATTERNS),
          port: fc.integer({ min: 8080, max: 8083 }),
          weight: fc.integer({ min: 1, max: 2 }),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    })
    .map(({ weight: _, ...changes }) =>
      spec({ ...changes, service: name, source: { origin: 'file', file: `${name}.yaml`, line: 1 } }),
    )

const SERVICES = ['a', 'b', 'c', 'd']
const step = fc.oneof(
  fc.constantFrom(...SERVICES).chain(name => fc.record({ service: fc.constant(name), spec: fc.option(anySpec(name)) })),
  fc.record({
    vm: fc.integer({ min: 1, max: 4 }),
    state: fc.constantFrom('running' as const, 'paused' as const, undefined),
    name: fc.constantFrom('web-', 'other-'),
  }),
  fc.record({ port: fc.integer({ min: 1, max: 4 }), ofport: fc.constantFrom(-1, 11, 12, 13, undefined) }),
)

/** `first`-`last` is so narrow that it may be used up. */
const range = { first: 40_000, last: 40_001 }

test('in whatever way services, VMs and ports change, the incremental result is the full one', t => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), steps => {
      const specs = new Map<string, ServiceSpec>()
      const vms = new Map<number, Domain>([1, 2, 3, 4].map(n => [n, domain(n)]))
      const plugged = new Map<number, BridgePort>([1, 2, 3, 4].map(n => [n, port(n)]))
      let allocations: readonly Allocation[] = []
      const resolver = createResolver([])
      const known = new Map<string, unknown>()
      for (const change of [undefined, ...steps]) {
        if (change === undefined) {
          // The first pass sees only VMs.
        } else if ('service' in change) {
          if (change.spec === null) specs.delete(change.service)
          else specs.set(change.service, change.spec)
        } else if ('vm' in change) {
          const { vm, state, name } = change
          if (state === undefined) vms.delete(vm)
          else vms.set(vm, domain(vm, { state, name: `${name}${vm}` }))
        } else if (change.ofport === undefined) plugged.delete(change.port)
        else plugged.set(change.port, port(change.port, { ofport: change.ofport }))
        const input = {
          specs: [...specs.values()],
          inventory: inventory(...vms.values()),
          ports: ports(...plugged.values()),
          ingressPorts: range,
        }
        const full = resolve({ ...input, allocations })
        allocations = full.allocations
        const { realServers, problems, allocations: numbers, gone, come } = resolver.update(input)
        const sorted = (list: readonly { readonly message: string }[]) => list.map(p => p.message).sort()
        const byKey = (list: readonly Allocation[]) => list.toSorted((a, b) => (a.key < b.key ? -1 : 1))
        t.deepEqual(realServers, full.realServers)
        t.deepEqual(sorted(problems), sorted(full.problems))
        t.deepEqual(byKey(numbers), byKey(full.allocations))
        // The reported difference is the real difference.
        for (const realServer of gone) {
          t.is(known.get(realServer.key), realServer)
          known.delete(realServer.key)
        }
        for (const realServer of come) known.set(realServer.key, realServer)
        t.is(known.size, realServers.length)
        t.true(realServers.every(realServer => known.get(realServer.key) === realServer))
      }
    }),
    { numRuns: 400 },
  )
})
