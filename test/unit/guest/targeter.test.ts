import test from 'ava'
import fc from 'fast-check'
import { createTargeter } from '../../../agent/guest/targeter.ts'
import { guestTargets } from '../../../agent/guest/targets.ts'
import type { GuestTarget } from '../../../agent/guest/types.ts'
import type { Domain } from '../../../agent/inventory/types.ts'
import { createResolver } from '../../../agent/real-servers/resolver.ts'
import type { GuestRecord } from '../../../agent/store/types.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { domain, mac, port, ports, spec, uuid } from '../real-servers/fixtures.ts'

const VIPS = ['10.0.0.1', '10.0.0.2']

test('in whatever way its inputs change, the incremental targets are the full ones', t => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('service' as const),
      name: fc.constantFrom('a', 'b'),
      vip: fc.constantFrom(...VIPS, ''),
    }),
    fc.record({
      kind: fc.constant('vm' as const),
      n: fc.integer({ min: 1, max: 3 }),
      state: fc.constantFrom('running' as const, 'paused' as const, undefined),
    }),
    fc.record({
      kind: fc.constant('record' as const),
      n: fc.integer({ min: 1, max: 3 }),
      vip: fc.constantFrom(...VIPS),
      there: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('sweep' as const), sweep: fc.boolean() }),
    fc.record({ kind: fc.constant('shield' as const), vip: fc.constantFrom(...VIPS, '') }),
  )
  const sorted = (targets: readonly GuestTarget[]) => targets.toSorted((a, b) => (a.mac < b.mac ? -1 : 1))
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), steps => {
      const specs = new Map<string, ServiceSpec>()
      const vms = new Map<number, Domain>([1, 2, 3].map(n => [n, domain(n)]))
      const held = new Map<string, GuestRecord>()
      let unshielded = ''
      let sweep = true
      let [records, domains] = [[...held.values()], [...vms.values()]]
      const resolver = createResolver([])
      const targeter = createTargeter()
      for (const change of steps) {
        if (change.kind === 'service') {
          if (change.vip === '') specs.delete(change.name)
          else {
            const realServers = [{ vm: 'web-*', port: change.name === 'a' ? 1 : 2, weight: 1 }]
            specs.set(change.name, spec({ service: change.name, vip: change.vip, realServers }))
          }
        } else if (change.kind === 'vm') {
          if (change.state === undefined) vms.delete(change.n)
          else vms.set(change.n, domain(change.n, { state: change.state }))
          domains = [...vms.values()]
        } else if (change.kind === 'record') {
          const { n, vip, there } = change
          const record = { vmUuid: uuid(n), mac: mac(n), vip, nicName: 'eth0', addressAdded: true, edits: [] }
          if (there) held.set(`${n}/${vip}`, record)
          else held.delete(`${n}/${vip}`)
          records = [...held.values()]
        } else if (change.kind === 'sweep') sweep = change.sweep
        else unshielded = change.vip
        const { realServers, gone, come } = resolver.update({
          specs: [...specs.values()],
          inventory: { synced: true, domains },
          ports: ports(port(1), port(2), port(3)),
          ingressPorts: { first: 40_000, last: 49_999 },
        })
        const probeNetwork = '169.254.96.0/19'
        const shielded = (vip: string) => vip !== unshielded
        const full = guestTargets({ realServers, domains, records, sweep, shielded, probeNetwork })
        const allShielded = unshielded === ''
        t.deepEqual(
          sorted(targeter({ gone, come, domains, records, sweep, shielded, allShielded, probeNetwork })),
          sorted(full),
        )
      }
    }),
    { numRuns: 300 },
  )
})

test('while it is not known what services want, a guest keeps what it was given', t => {
  const record = { vmUuid: uuid(1), mac: mac(1), vip: VIPS[0]!, nicName: 'eth0', addressAdded: true, edits: [] }
  const vipsWith = (sweep: boolean) => {
    const input = { realServers: [], domains: [domain(1)], records: [record], shielded: () => true }
    return guestTargets({ ...input, sweep, probeNetwork: '169.254.96.0/19' }).flatMap(({ vips }) => vips)
  }
  t.deepEqual(vipsWith(false), [VIPS[0]!])
  t.deepEqual(vipsWith(true), [])
})
