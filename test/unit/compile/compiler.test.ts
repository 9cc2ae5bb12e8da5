import test from 'ava'
import fc from 'fast-check'
import { compile } from '../../../agent/compile/compile.ts'
import { createCompiler } from '../../../agent/compile/compiler.ts'
import { shields } from '../../../agent/compile/shields.ts'
import type { OverlayContext, ProbeContext } from '../../../agent/compile/types.ts'
import { probeNetwork } from '../../../agent/probe-port/address.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import { createResolver } from '../../../agent/real-servers/resolver.ts'
import type { GuestRecord } from '../../../agent/store/types.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import type { Compiled } from '../../../shared/flows/compiled.ts'
import { checkOf } from '../health/fixtures.ts'
import { domain, inventory, mac, port, ports, spec, uuid } from '../real-servers/fixtures.ts'
import { vipNumbers } from '../vip-numbers.ts'

const CHECKS = [
  checkOf({ type: 'tcp' }),
  checkOf({ type: 'http', port: 9000 }),
  checkOf({ type: 'exec', command: ['x'] }),
]
const VIPS = ['10.0.0.1', '10.0.0.2', '2001:db8::1']

const step = fc.oneof(
  fc.record({
    kind: fc.constant('service' as const),
    name: fc.constantFrom('a', 'b', 'c'),
    vip: fc.constantFrom(...VIPS, undefined),
    port: fc.integer({ min: 80, max: 81 }),
    arp: fc.constantFrom('answer' as const, 'drop' as const),
    rsPort: fc.integer({ min: 8080, max: 8081 }),
    check: fc.constantFrom(undefined, ...CHECKS),
  }),
  fc.record({
    kind: fc.constant('port' as const),
    n: fc.integer({ min: 1, max: 3 }),
    tag: fc.constantFrom(undefined, 7),
    ofport: fc.constantFrom(-1, 11, 12),
  }),
  fc.record({
    kind: fc.constant('record' as const),
    n: fc.integer({ min: 1, max: 3 }),
    vip: fc.constantFrom(...VIPS),
    there: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('own' as const),
    n: fc.integer({ min: 1, max: 3 }),
    last: fc.integer({ max: 9, min: 1 }),
  }),
  fc.record({ kind: fc.constant('guard' as const), vips: fc.subarray(VIPS) }),
  fc.record({ kind: fc.constant('director' as const), known: fc.boolean() }),
  fc.record({ kind: fc.constant('tunnel' as const), ofport: fc.constantFrom(undefined, 5, 6) }),
  fc.record({ kind: fc.constant('probe port' as const), ofport: fc.constantFrom(undefined, 7, 8) }),
)

const PROBING = {
  network: probeNetwork('169.254.96.0/19'),
  sources: {},
  port: { ofport: 7, mac: '02:c7:05:00:00:01', address: '169.254.96.1', udpPort: 61_053 },
}

const texts = (compiled: Compiled) =>
  Object.fromEntries([...compiled].map(([name, { signature }]) => [name, signature]))

test('in whatever way its inputs change, the incremental compiler holds what compile makes of them', t => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), steps => {
      const specs = new Map<string, ServiceSpec>()
      const plugged = new Map([1, 2, 3].map(n => [n, port(n)]))
      const held = new Map<string, GuestRecord>()
      const own = new Map<string, string>()
      let guarded: readonly string[] = []
      let directorMac: string | undefined
      let overlay: OverlayContext | undefined
      let probing: ProbeContext | undefined
      let copies = { records: [...held.values()], own: new Map(own), index: indexPorts(ports(...plugged.values())) }
      const numbers = vipNumbers()
      const resolver = createResolver([])
      const compiler = createCompiler(numbers)
      const seen = new Map<string, string>()
      for (const change of steps) {
        if (change.kind === 'service') {
          const { name: service, vip, port: vipPort, arp, rsPort, check } = change
          if (vip === undefined) specs.delete(service)
          else
            specs.set(
              service,
              spec({
                service,
                vip,
                port: vipPort,
                arp,
                check,
                realServers: [{ vm: 'web-*', port: rsPort, weight: 1 }],
              }),
            )
        } else if (change.kind === 'port') {
          plugged.set(change.n, port(change.n, { tag: change.tag, ofport: change.ofport }))
          copies = { ...copies, index: indexPorts(ports(...plugged.values())) }
        } else if (change.kind === 'record') {
          const { n, vip } = change
          if (change.there)
            held.set(`${n}/${vip}`, {
              vmUuid: uuid(n),
              mac: mac(n),
              vip,
              nicName: 'eth0',
              addressAdded: true,
              edits: [],
            })
          else held.delete(`${n}/${vip}`)
          copies = { ...copies, records: [...held.values()] }
        } else if (change.kind === 'own') {
          own.set(`${uuid(change.n)}/${mac(change.n)}`, `10.9.9.${change.last}`)
          copies = { ...copies, own: new Map(own) }
        } else if (change.kind === 'guard') {
          guarded = change.vips
        } else if (change.kind === 'tunnel') {
          const tunnel = change.ofport
          const rest = { networkKey: 100, clientHosts: [], directorIp: undefined, forwardTable: undefined }
          overlay = tunnel === undefined ? undefined : { tunnel, ...rest }
        } else if (change.kind === 'probe port') {
          const { ofport } = change
          probing = ofport === undefined ? undefined : { ...PROBING, port: { ...PROBING.port, ofport } }
        } else directorMac = change.known ? '02:00:00:00:01:00' : undefined
        const snapshot = ports(...plugged.values())
        const resolved = resolver.update({
          specs: [...specs.values()],
          inventory: inventory(domain(1), domain(2), domain(3)),
          ports: snapshot,
          ingressPorts: { first: 40_000, last: 49_999 },
        })
        const { records, own: ownAddresses, index } = copies
        const vmPorts = [...index].flatMap(([mac, { name, ofport, tag }]) =>
          ofport !== undefined && ofport > 0 ? [{ name, mac, ofport, tag }] : [],
        )
        const directors =
          directorMac === undefined
            ? []
            : [{ mac: directorMac, recallMac: '0a:00:00:00:01:00', hostIp: '172.24.1.100' }]
        const host = { hostMac: '02:00:00:00:00:20', directorMac, directors, uplink: 1, vmPorts, overlay, probing }
        const shielded = shields(resolved.realServers, records, index, (vm, nic) => ownAddresses.get(`${vm}/${nic}`))
        const full = texts(
          compile({ realServers: resolved.realServers, shields: shielded, guarded, numberOf: numbers.of, host }),
        )
        const { gone, come } = resolved
        const changed = compiler.update({ gone, come, records, guarded, ports: index, ownAddresses, host })
        t.deepEqual(texts(compiler.compiled), full)
        t.is(compiler.shields().length, shielded.length)
        // Nothing changes beyond the objects that it has reported.
        for (const name of changed) {
          const now = compiler.compiled.get(name)
          if (now === undefined) t.true(seen.delete(name))
          else seen.set(name, now.signature)
        }
        t.deepEqual(Object.fromEntries(seen), full)
      }
    }),
    { numRuns: 300 },
  )
})
