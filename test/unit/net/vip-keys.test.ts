import test from 'ava'
import fc from 'fast-check'
import { compile as compileAgent } from '../../../agent/compile/compile.ts'
import { createAccounts } from '../../../director/accounting/accounts.ts'
import { compile as compileDirector } from '../../../director/compile/compile.ts'
import type { CompiledService } from '../../../director/compile/types.ts'
import type { Compiled } from '../../../shared/flows/compiled.ts'
import { decodeCookie } from '../../../shared/flows/cookie.ts'
import { IPV6 } from '../../../shared/net/family.ts'
import { SITE } from '../director/site.ts'
import { port, ports, resolved, spec } from '../real-servers/fixtures.ts'
import { vipNumbers } from '../vip-numbers.ts'

/** IPv6 addresses whose four words, XORed, are all the same: no 32 bits of them tell them apart. */
const alike = fc
  .uniqueArray(fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), fc.nat(0xffff_ffff)), {
    minLength: 2,
    maxLength: 60,
    selector: words => words.join(),
  })
  .map(list =>
    list.map(words => {
      const last = words.reduce((sum, word) => sum ^ word, 0x20010db8) >>> 0
      return IPV6.format([...words, last].reduce((value, word) => (value << 32n) | BigInt(word), 0n))
    }),
  )

/** Kinds and objects of the cookies of all flows that concern the VIP. */
function cookiesOf(compiled: Compiled, vip: string): Set<string> {
  const own = [...compiled].filter(([name]) => name.split('/')[1] === vip)
  const flows = own.flatMap(([, object]) => object.flows())
  return new Set(
    flows.flatMap(({ cookie }) => {
      const { kind, object } = decodeCookie(cookie)!
      return kind === 'recall' || kind === 'reply' ? [] : `${kind} ${object}`
    }),
  )
}

const shared = (sets: readonly Set<string>[]) =>
  sets.reduce((sum, set) => sum + set.size, 0) - sets.reduce((all, set) => all.union(set), new Set()).size

const site = { ...SITE, ownMacs: [SITE.directorMac] }

test('no two VIPs share the cookie of a flow on a host', t => {
  const snapshot = ports(port(1))
  fc.assert(
    fc.property(alike, vips => {
      const { realServers } = resolved(
        vips.slice(0, 3).map((vip, n) => spec({ service: `s${n}`, vip })),
        [1],
        snapshot,
      )
      const { name, ofport } = snapshot.ports[0]!
      const compiled = compileAgent({
        realServers,
        shields: vips.map(vip => ({ vip, port: name, ofport: ofport!, tag: undefined, ownAddress: undefined })),
        guarded: vips,
        numberOf: vipNumbers().of,
        host: {
          hostMac: '02:00:00:00:00:20',
          directorMac: '02:00:00:00:01:00',
          directors: [],
          uplink: 1,
          vmPorts: [],
          overlay: undefined,
        },
      })
      const sets = vips.map(vip => cookiesOf(compiled, vip))
      for (const set of sets) t.true(set.size >= 3)
      t.is(shared(sets), 0)
    }),
    { numRuns: 30 },
  )
})

const serviceOf = (vip: string, number: number): CompiledService => ({
  ...{ vip, port: 80, protocol: 'tcp', clients: ['::/0'], number, zone: 0x4000 + number, onEmpty: 'drop' },
  ...{ shares: [], accounted: true, targets: [] },
})

test('no two VIPs share the cookie of a flow on a director', t => {
  fc.assert(
    fc.property(alike, vips => {
      const compiled = compileDirector(site, vips.map(serviceOf), vipNumbers().of)
      const sets = vips.map(vip => cookiesOf(compiled, vip))
      for (const set of sets) t.is(set.size, 4)
      t.is(shared(sets), 0)
    }),
    { numRuns: 30 },
  )
})

test('no two VIPs share the account of a connection', t => {
  fc.assert(
    fc.property(alike, vips => {
      const accounts = createAccounts({ tcp: 900, udp: 300 })
      const client = { address: IPV6.parse('2001:db8::c')!, port: 40_000 }
      const listeners = vips.map(vip => ({ vip: IPV6.parse(vip)!, port: 80, protocol: 'tcp' }) as const)
      for (const listener of listeners) accounts.follow(listener, true)
      for (const [n, { vip }] of listeners.entries()) {
        const record = {
          ...{ sourceIPv6Address: client.address as bigint, destinationIPv6Address: vip as bigint },
          ...{ sourceTransportPort: client.port, destinationTransportPort: 80, protocolIdentifier: 6 },
          observationPointId: n + 1,
        }
        accounts.add(record, 1, 0)
      }
      for (const [n, listener] of listeners.entries()) t.is(accounts.find(listener, client)?.mark, n + 1)
    }),
    { numRuns: 30 },
  )
})
