import test from 'ava'
import fc from 'fast-check'
import {
  type Claim,
  type KnownHost,
  type Peer,
  registrationRefusal,
  type Taken,
} from '../../../director/authority/registration.ts'

const [D, R, BRIDGE] = ['02:00:00:00:01:00', '0a:00:00:00:01:00', '02:00:00:00:01:01']
const known = (n: number, change: Partial<KnownHost> = {}): KnownHost => ({
  hostId: `rs${n}`,
  hostMac: `02:00:00:00:00:2${n}`,
  hostIp: `172.24.1.2${n}`,
  seq: n,
  state: 'alive',
  ...change,
})

const taken = (...hosts: KnownHost[]): Taken => ({
  hosts: new Map(hosts.map(host => [host.hostId, host])),
  connected: () => true,
  director: { macs: [D, R, BRIDGE], bridgeMacs: [BRIDGE], addresses: new Set(['172.24.1.100']) },
  vips: new Set(['10.10.1.100']),
})

const FLEET = taken(known(1), known(2))
const NEW: Claim = { hostId: 'new', hostMac: '02:00:00:00:00:66', hostIp: '172.24.1.66' }
const AT: Peer = { name: undefined, address: '172.24.1.66' }
const BESIDE: Peer = { name: undefined, address: '172.24.1.100' }

/** Claim × peer × fleet → nothing, or the code and words of the reason. */
const CASES: readonly (readonly [string, Claim, Peer, Taken, RegExp | undefined])[] = [
  ['a host of its own', NEW, AT, FLEET, undefined],
  ['a known host as it was', known(1), AT, FLEET, undefined],
  ['its own certificate', NEW, { ...AT, name: 'new' }, FLEET, undefined],
  ["another host's MAC", { ...NEW, hostMac: known(1).hostMac }, AT, FLEET, /^HOST_ADDRESS_TAKEN .*MAC .*20? ?.*"rs1"/],
  ["another host's IP", { ...NEW, hostIp: known(2).hostIp }, AT, FLEET, /^HOST_ADDRESS_TAKEN .*172\.24\.1\.22 .*"rs2"/],
  [
    'an own certificate helps nobody to it',
    { ...NEW, hostIp: known(2).hostIp },
    { ...AT, name: 'new' },
    FLEET,
    /"rs2"/,
  ],
  ['D', { ...NEW, hostMac: D }, AT, FLEET, /^HOST_ADDRESS_TAKEN .*director's own hardware address/],
  ['R', { ...NEW, hostMac: R }, AT, FLEET, /director's own hardware address/],
  ['R, beside the director', { ...NEW, hostMac: R }, BESIDE, FLEET, /director's own hardware address/],
  ["the director's bridge", { ...NEW, hostMac: BRIDGE }, AT, FLEET, /director's own hardware address/],
  ["the director's bridge, beside it", { ...NEW, hostMac: BRIDGE, hostIp: '172.24.1.100' }, BESIDE, FLEET, undefined],
  ['the same over a socket', { ...NEW, hostMac: BRIDGE }, { ...AT, address: 'unix:/run/x.sock' }, FLEET, undefined],
  [
    'the same of whom nothing is known',
    { ...NEW, hostMac: BRIDGE },
    { ...AT, address: 'unknown' },
    FLEET,
    /own hardware/,
  ],
  ["the director's address", { ...NEW, hostIp: '172.24.1.100' }, AT, FLEET, /director's own address/],
  ['a VIP', { ...NEW, hostIp: '10.10.1.100' }, AT, FLEET, /which is a VIP/],
  ['no address yet', { ...NEW, hostIp: '' }, AT, FLEET, undefined],
  ['of a lost host', { ...NEW, hostMac: known(1).hostMac }, AT, taken(known(1, { state: 'lost' })), undefined],
  [
    'the same machine under another name, when its old name is away',
    { ...known(1), hostId: 'new' },
    { ...AT, address: known(1).hostIp },
    { ...FLEET, connected: () => false },
    undefined,
  ],
  [
    'from elsewhere, when it is away',
    { ...known(1), hostId: 'new' },
    AT,
    { ...FLEET, connected: () => false },
    /"rs1"/,
  ],
  [
    'the elder of two that were there',
    known(1),
    AT,
    taken(known(1), known(2, { hostMac: known(1).hostMac })),
    undefined,
  ],
  [
    'the younger',
    known(2, { hostMac: known(1).hostMac }),
    AT,
    taken(known(1), known(2, { hostMac: known(1).hostMac })),
    /"rs1"/,
  ],
  ['an elder that wants what is another’s', known(1, { hostMac: known(2).hostMac }), AT, FLEET, /"rs2"/],
]

for (const [name, claim, peer, fleet, wanted] of CASES)
  test(`registration: ${name}`, t => {
    const refusal = registrationRefusal(claim, peer, fleet)
    const words = refusal === undefined ? undefined : `${refusal.code} ${refusal.reason}`
    if (wanted === undefined) t.is(words, undefined)
    else t.regex(words ?? 'accepted', wanted)
  })

test('two hosts that are accepted never share an address, whoever comes when', t => {
  const claim = fc.record({
    hostId: fc.constantFrom('a', 'b', 'c'),
    hostMac: fc.constantFrom('02:00:00:00:00:21', '02:00:00:00:00:22', D),
    hostIp: fc.constantFrom('172.24.1.21', '172.24.1.22', '10.10.1.100', ''),
  })
  fc.assert(
    fc.property(fc.array(claim, { maxLength: 12 }), claims => {
      const hosts = new Map<string, KnownHost>()
      for (const one of claims) {
        const before = [...hosts]
        const fleet = { ...FLEET, hosts }
        if (registrationRefusal(one, AT, fleet) !== undefined) {
          t.deepEqual([...hosts], before)
          continue
        }
        hosts.set(one.hostId, { ...one, seq: hosts.get(one.hostId)?.seq ?? hosts.size, state: 'alive' })
      }
      const macs = [...hosts.values()].map(({ hostMac }) => hostMac)
      const ips = [...hosts.values()].flatMap(({ hostIp }) => (hostIp === '' ? [] : hostIp))
      t.is(new Set(macs).size, macs.length)
      t.is(new Set(ips).size, ips.length)
      t.false(macs.includes(D))
      t.false(ips.includes('10.10.1.100'))
    }),
  )
})
