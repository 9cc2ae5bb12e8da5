import test from 'ava'
import { createAccounts } from '../../../director/accounting/accounts.ts'
import { polledPorts } from '../../../director/apply/conntrack.ts'
import { ACCOUNTING } from '../../../director/compile/tables.ts'
import type { CompiledService } from '../../../director/compile/types.ts'
import { type ListOptions, listConnections } from '../../../director/connections/list.ts'
import type { VirtualService } from '../../../director/registry/services.ts'
import { rs } from '../schedule/fixture.ts'

const LINE =
  'tcp,orig=(src=10.10.1.10,dst=10.10.1.100,sport=40000,dport=80),reply=(src=10.10.1.100,dst=10.10.1.10,sport=80,dport=40000),zone=16385,timeout=880,mark=7,protoinfo=(state_orig=ESTABLISHED,state_reply=ESTABLISHED,wscale_orig=7)'

const RECORD = {
  sourceIPv4Address: 0x0a0a010a,
  sourceTransportPort: 40_000,
  destinationIPv4Address: 0x0a0a0164,
  destinationTransportPort: 80,
  protocolIdentifier: 6,
  observationPointId: 7,
  flowStartDeltaMicroseconds: 3_000_000,
  flowEndDeltaMicroseconds: 1_000_000,
  packetDeltaCount: 4,
  octetDeltaCount: 400,
}

function list(entries: number | undefined, { disturb = false, accounting = true, first = true } = {}) {
  const read: number[] = []
  const accounts = createAccounts({ tcp: 900, udp: 300 })
  accounts.follow({ vip: 0x0a0a0164, port: 80, protocol: 'tcp' }, true)
  accounts.add(RECORD, first ? ACCOUNTING.domain.opened : ACCOUNTING.domain.known, 10_000)
  const compiled = { zone: 16385, vip: '10.10.1.100', port: 80, protocol: 'tcp' } as CompiledService
  const service = { service: 'web', protocol: 'tcp', realServers: [rs('a')] } as unknown as VirtualService
  const options: ListOptions = {
    plan: { services: [service], compiled: [compiled], problems: [] },
    service: '',
    timeouts: { tcp: 900, udp: 300 },
    markOf: () => 7,
    dump: async zone => {
      read.push(zone)
      return `${LINE}\n${LINE.replace('40000', '40001')}\n`
    },
    disturb,
    entries: async () => entries,
    accounts: accounting ? accounts : undefined,
    now: 12_000,
    wall: 0,
  }
  const all = async () => {
    const batches = await Array.fromAsync(listConnections(options))
    return {
      note: batches.flatMap(({ note }) => note ?? []).join(),
      connections: batches.flatMap(({ connections }) => connections ?? []),
    }
  }
  return { read, all }
}

test('a table that is read unnoticed is read, and so is one that the kernel forwards by', async t => {
  for (const entries of [0, 2000, undefined]) {
    const { note, connections } = await list(entries).all()
    t.is(note, '')
    t.is(connections.length, 2)
    t.like(connections[0], {
      client: '10.10.1.10:40000',
      realServer: 'a',
      state: 'active',
      tcpState: 'ESTABLISHED',
      idle: 20,
    })
  }
})

test('what the director has counted stands beside what the switch says', async t => {
  const { connections } = await list(2).all()
  t.like(connections[0], { age: 5, packets: 4, bytes: 400, atLeast: false })
  t.is(connections[1]?.packets, undefined)
  const partly = await list(2, { first: false }).all()
  t.like(partly.connections[0], { age: 5, packets: 4, bytes: 400, atLeast: true })
})

test('200,000 entries are not read, for clients would notice, but on demand', async t => {
  const { read, all } = list(200_000, { accounting: false })
  const error = await t.throwsAsync(all, { code: 'CONNECTIONS_MANY' })
  t.regex(error!.message, /200000 connections .* 1\.40 s or more/)
  t.deepEqual(read, [])
  t.is((await list(200_000, { disturb: true }).all()).connections.length, 2)
})

test('instead of them the director shows its own accounts, and says so', async t => {
  const { read, all } = list(200_000)
  const { note, connections } = await all()
  t.deepEqual(read, [])
  t.regex(note, /200000 connections .* 1\.40 s or more.*--disturb/)
  t.deepEqual(connections, [
    {
      service: 'web',
      protocol: 'tcp',
      vip: '10.10.1.100:80',
      client: '10.10.1.10:40000',
      realServer: 'a',
      vm: 'a',
      state: 'active',
      idle: 3,
      age: 5,
      packets: 4,
      bytes: 400,
      atLeast: false,
    },
  ])
})

test('a port that a PMD thread polls is known by what ovs-vswitchd shows of its threads', t => {
  const shown = `Displaying last 60 seconds pmd usage %
pmd thread numa_id 0 core_id 1:
  isolated : false
  port: uplink0           queue-id:  0 (enabled)   pmd usage: NOT AVAIL
  overhead: NOT AVAIL
`
  t.deepEqual([...polledPorts(shown)], ['uplink0'])
  t.deepEqual([...polledPorts('')], [])
})

test('an IPv6 connection is listed with brackets around its addresses, beside its account', async t => {
  const accounts = createAccounts({ tcp: 900, udp: 300 })
  const listener = { vip: (0x20010db8n << 96n) | 0x100n, port: 80, protocol: 'tcp' } as const
  accounts.follow(listener, true)
  const { sourceIPv4Address, destinationIPv4Address, ...rest } = RECORD
  const record = { ...rest, sourceIPv6Address: (0x20010db8n << 96n) | 0x10n, destinationIPv6Address: listener.vip }
  accounts.add(record, ACCOUNTING.domain.opened, 10_000)
  const compiled = { zone: 16385, vip: '2001:db8::100', port: 80, protocol: 'tcp' } as CompiledService
  const service = { service: 'web', protocol: 'tcp', realServers: [rs('a')] } as unknown as VirtualService
  const line = LINE.replaceAll('10.10.1.100', '2001:db8::100').replaceAll('10.10.1.10', '2001:db8::10')
  for (const entries of [2, 200_000]) {
    const [{ connections } = {}] = (
      await Array.fromAsync(
        listConnections({
          plan: { services: [service], compiled: [compiled], problems: [] },
          service: '',
          timeouts: { tcp: 900, udp: 300 },
          markOf: () => 7,
          dump: async () => line,
          disturb: false,
          entries: async () => entries,
          accounts,
          now: 12_000,
          wall: 0,
        }),
      )
    ).filter(batch => batch.connections)
    t.is(connections?.length, 1)
    t.like(connections?.[0], { client: '[2001:db8::10]:40000', vip: '[2001:db8::100]:80', packets: 4 })
  }
})
