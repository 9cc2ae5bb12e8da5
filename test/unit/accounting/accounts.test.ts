import test from 'ava'
import { intervalFor } from '../../../director/accounting/accounting.ts'
import { type Client, createAccounts, type Listener } from '../../../director/accounting/accounts.ts'
import type { IpfixRecord } from '../../../director/accounting/ipfix.ts'
import { ACCOUNTING } from '../../../director/compile/tables.ts'
import type { Address } from '../../../shared/net/types.ts'

const WEB: Listener = { vip: 0x0a0a0164, port: 80, protocol: 'tcp' }
const DNS: Listener = { vip: 0x0a0a0164, port: 53, protocol: 'udp' }
const CLIENT: Client = { address: 0x0a0a010a, port: 40_000 }
const R = 0x0a0000000100
const { opened, known, ended } = ACCOUNTING.domain

function between(source: Address, sourcePort: number, destination: Address, destinationPort: number): IpfixRecord {
  const ports = { sourceTransportPort: sourcePort, destinationTransportPort: destinationPort }
  if (typeof source === 'bigint')
    return { ...ports, sourceIPv6Address: source, destinationIPv6Address: BigInt(destination) }
  return { ...ports, sourceIPv4Address: source, destinationIPv4Address: Number(destination) }
}

function record(more: object = {}, { vip, port, protocol }: Listener = WEB, client = CLIENT): IpfixRecord {
  return {
    ...between(client.address, client.port, vip, port),
    protocolIdentifier: protocol === 'tcp' ? 6 : 17,
    observationPointId: 7,
    packetDeltaCount: 2,
    octetDeltaCount: 100,
    ...more,
  }
}

function setUp(...exported: Listener[]) {
  const accounts = createAccounts({ tcp: 900, udp: 300 }, () => R)
  for (const listener of exported) accounts.follow(listener, true)
  const whole = (listener = WEB, client = CLIENT) => accounts.isWhole(listener, accounts.find(listener, client)!)
  return { accounts, whole }
}

test('records of a connection add up, and its age is that of its first packet', t => {
  const { accounts, whole } = setUp(WEB)
  accounts.add(record({ flowStartDeltaMicroseconds: 1_500_000, flowEndDeltaMicroseconds: 500_000 }), opened, 10_000)
  accounts.add(record(), known, 20_000)
  t.like(accounts.find(WEB, CLIENT), { mark: 7, start: 8500, last: 20_000, packets: 4, bytes: 200, ended: false })
  t.true(whole())
  t.is(accounts.find(WEB, { ...CLIENT, port: 1 }), undefined)
  t.is(accounts.find(DNS, CLIENT), undefined)
})

test('one whose beginning was not seen is known in part', t => {
  const { accounts, whole } = setUp(WEB)
  accounts.add(record(), known, 0)
  t.false(whole())
})

test('lost records, and a time in which nothing was exported, leave all of them in part; new ones are whole', t => {
  const { accounts, whole } = setUp(WEB)
  accounts.add(record(), opened, 0)
  accounts.lost()
  t.false(whole())
  const next = { ...CLIENT, port: 40_001 }
  accounts.add(record({}, WEB, next), opened, 0)
  t.true(whole(WEB, next))
  accounts.follow(WEB, false)
  t.false(whole(WEB, next))
  accounts.follow(WEB, true)
  t.false(whole(WEB, next))
})

test('of UDP, too', t => {
  const { accounts, whole } = setUp(DNS)
  accounts.add(record({}, DNS), known, 0)
  t.false(whole(DNS))
  const next = { ...CLIENT, port: 40_001 }
  accounts.add(record({}, DNS, next), opened, 0)
  t.true(whole(DNS, next))
})

test('the end is noted, late packets still count, and the same ports may begin anew', t => {
  const { accounts } = setUp(WEB)
  accounts.add(record(), opened, 0)
  accounts.add(record(), ended, 1000)
  accounts.add(record(), known, 1100)
  t.like(accounts.find(WEB, CLIENT), { ended: true, packets: 6 })
  accounts.add(record(), opened, 2000)
  t.like(accounts.find(WEB, CLIENT), { ended: false, packets: 2 })
})

test('an idle connection is listed for as long as the switch keeps it, one that has ended for a minute', t => {
  const { accounts } = setUp(WEB)
  const other = { ...CLIENT, port: 40_001 }
  accounts.add(record(), opened, 0)
  accounts.add(record({}, WEB, other), ended, 0)
  const listed = (now: number) => [...accounts.list(WEB, now)].map(([client]) => client.port)
  t.deepEqual(listed(899_000), [40_000, 40_001])
  t.deepEqual(listed(901_000), [])
  // Records of other connections make the young entries old.
  for (let now = 0; now <= 2_000_000; now += 50_000) {
    accounts.add(record({}, WEB, { ...CLIENT, port: 5 }), opened, now)
    accounts.add(record({}, WEB, { ...CLIENT, port: 6 }), ended, now)
  }
  t.is(accounts.find(WEB, CLIENT), undefined)
  t.is(accounts.find(WEB, other), undefined)
  t.truthy(accounts.find(WEB, { ...CLIENT, port: 5 }))
})

test('a service that is gone leaves nothing', t => {
  const { accounts } = setUp(WEB)
  accounts.add(record(), opened, 0)
  accounts.forget(WEB)
  t.deepEqual([...accounts.list(WEB, 0)], [])
  accounts.add(record(), known, 0)
  t.deepEqual([...accounts.list(WEB, 0)], [])
})

test('the more records come, the longer the switch adds them up, and back again', t => {
  t.is(intervalFor(100, 1), 1)
  t.is(intervalFor(3000, 1), 2)
  t.is(intervalFor(50_000, 64), 64)
  t.is(intervalFor(1500, 8), 8)
  t.is(intervalFor(400, 8), 4)
})

test('the copy of a real server’s FIN ends the connection, and adds nothing to what the client has sent', t => {
  const { accounts } = setUp(WEB)
  accounts.add(record({ sourceMacAddress: 9 }), opened, 0)
  const copy = {
    ...record({ destinationMacAddress: R, sourceMacAddress: 5 }),
    ...between(WEB.vip, WEB.port, CLIENT.address, CLIENT.port),
  }
  accounts.add(copy, ended, 1)
  t.like(accounts.find(WEB, CLIENT), { mark: 7, mac: 9, packets: 2, bytes: 100, ended: true })
  accounts.add(copy, ended, 2)
  t.like(accounts.find(WEB, CLIENT), { packets: 2, ended: true })
})

test('one that a host has told of is known in part, and its client is where its own packets come from', t => {
  const { accounts, whole } = setUp(WEB)
  accounts.add(record({ destinationMacAddress: R, sourceMacAddress: 5 }), opened, 0)
  t.false(whole())
  t.is(accounts.find(WEB, CLIENT)?.mac, 0)
  accounts.add(record({ sourceMacAddress: 9 }), known, 1)
  t.like(accounts.find(WEB, CLIENT), { mac: 9, packets: 4 })
})

test('IPv6 connections are told apart by all their bits, and from IPv4’s and one another’s service', t => {
  const web: Listener = { vip: (0x20010db8n << 96n) | 0x0a0a0164n, port: 80, protocol: 'tcp' }
  const dns: Listener = { ...web, port: 53, protocol: 'udp' }
  const client: Client = { address: (0x20010db8n << 96n) | 0x0a0a010an, port: 40_000 }
  const other: Client = { ...client, address: BigInt(client.address) + (1n << 64n) }
  const { accounts, whole } = setUp(WEB, web, dns)
  accounts.add(record({}, web, client), opened, 0)
  accounts.add(record({ observationPointId: 8 }, web, other), opened, 0)
  accounts.add(record({ observationPointId: 9 }, dns, client), opened, 0)
  t.like(accounts.find(web, client), { mark: 7, packets: 2 })
  t.like(accounts.find(web, other), { mark: 8 })
  t.like(accounts.find(dns, client), { mark: 9 })
  t.is(accounts.find(WEB, CLIENT), undefined)
  t.true(whole(web, client))
  t.deepEqual(
    [...accounts.list(web, 0)].map(([found]) => found),
    [client, other],
  )
  accounts.add(between(web.vip, web.port, client.address, client.port), ended, 1)
  t.false(accounts.find(web, client)?.ended, 'without a mark it is nothing')
  accounts.add({ ...between(web.vip, web.port, client.address, client.port), observationPointId: 7 }, ended, 1)
  t.true(accounts.find(web, client)?.ended)
  accounts.forget(web)
  t.is(accounts.find(web, other), undefined)
})
