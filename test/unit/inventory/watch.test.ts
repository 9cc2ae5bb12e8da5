import { readFileSync } from 'node:fs'
import test from 'ava'
import { parseDomain } from '../../../agent/inventory/domain-xml.ts'
import { createRefresher } from '../../../agent/inventory/refresher.ts'
import type { Domain, Inventory } from '../../../agent/inventory/types.ts'
import { watchInventory } from '../../../agent/inventory/watch.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { type FakeCall, fakeLibvirtd } from '../libvirt/fake-libvirtd.ts'

test('a running domain of a real libvirt: bridge, vnet, interface id, agent channel', t => {
  const xml = readFileSync(new URL('running.xml', import.meta.url), 'utf8')
  t.deepEqual(parseDomain(xml, 1), {
    uuid: '6b2b8c5e-3a3f-4c55-9d55-000000000001',
    name: 'web & <1>',
    state: 'running',
    nics: [
      {
        mac: '52:54:00:aa:00:01',
        source: 'br0',
        target: 'vnet3',
        interfaceId: '24e2ed42-7d3f-4e5f-a4b6-8f6a2a0c9c11',
      },
      { mac: '52:54:00:aa:00:02', source: 'ovsbr1', target: 'vnet4', interfaceId: undefined },
    ],
    agentChannel: 'connected',
    runId: 7,
  })
})

test('an active domain whose state nobody knows cannot be read; one that is shutting down does not run', t => {
  const xml = readFileSync(new URL('running.xml', import.meta.url), 'utf8')
  t.throws(() => parseDomain(xml, 0), { message: /does not know its state/ })
  t.is(parseDomain(xml, 4).state, 'other')
  t.is(parseDomain(xmlOf(A), 0).state, 'other')
})

test('an XML that is no domain is refused', t => {
  for (const xml of [
    '',
    '<network/>',
    '<domain><name>a</name></domain>',
    '<domain><uuid>x</uuid><name>a</name></domain>',
  ])
    t.throws(() => parseDomain(xml, 1), undefined, xml)
})

const A = 'aa'.repeat(16)
const B = 'bb'.repeat(16)
const C = 'cc'.repeat(16)
const xmlOf = (uuid: string) => `<domain><name>vm-${uuid.slice(0, 2)}</name><uuid>${uuid}</uuid></domain>`

test('one domain that cannot be read does not hide the others', async t => {
  const fake = await fakeLibvirtd(t, call => answer(call, uuid => (uuid === A ? '<broken' : xmlOf(uuid))))
  const inventory = await synced(fake.socket)
  t.deepEqual(
    inventory.domains.map(d => d.name),
    ['vm-bb'],
  )
})

test('one that was known before the restart and cannot be read stands as it was, and is named', async t => {
  const fake = await fakeLibvirtd(t, call => answer(call, uuid => (uuid === A ? '<broken' : xmlOf(uuid))))
  const known = [parseDomain(xmlOf(A), 1), parseDomain(xmlOf(C), 1)]
  const inventory = await synced(fake.socket, [], known)
  t.is(inventory.domains[0], known[0])
  t.deepEqual(
    inventory.domains.map(d => d.name),
    ['vm-aa', 'vm-bb'],
    'the one that libvirt does not know is gone',
  )
  t.deepEqual(
    inventory.unreadable?.map(({ uuid, name }) => [uuid, name]),
    [[known[0]!.uuid, 'listed']],
  )
  t.regex(inventory.unreadable?.[0]?.reason ?? '', /<broken/)
})

test('a domain that goes between listing and reading is not there', async t => {
  const fake = await fakeLibvirtd(t, call => answer(call, uuid => (uuid === A ? undefined : xmlOf(uuid))))
  const inventory = await synced(fake.socket)
  t.deepEqual(
    inventory.domains.map(d => d.name),
    ['vm-bb'],
  )
})

test('a libvirtd that talks nonsense is left and tried again, with the reason shown', async t => {
  let nonsense = true
  const fake = await fakeLibvirtd(t, call => {
    if (!nonsense) return answer(call, xmlOf)
    nonsense = false
    call.raw(Buffer.from('ffffffffffff', 'hex'))
  })
  const seen: Inventory[] = []
  const inventory = await synced(fake.socket, seen)
  t.is(inventory.domains.length, 2)
  t.regex(seen[0]?.reason ?? '', /4294967295 bytes/)
})

test('a mark during the reading has it read again, and two are never read at once', async t => {
  const reads: ((value: number) => void)[] = []
  const done: number[] = []
  const refresher = createRefresher<number>({
    read: () => new Promise(resolve => reads.push(resolve)),
    done: (_, value) => done.push(value),
    failed: () => {},
  })
  refresher.mark('a')
  refresher.mark('a')
  refresher.mark('a')
  t.is(reads.length, 1)
  reads[0]?.(1)
  while (reads.length < 2) await Promise.resolve()
  reads[1]?.(2)
  await refresher.idle()
  t.deepEqual(done, [1, 2])
})

function answer(call: FakeCall, xml: (uuid: string) => string | undefined) {
  const { uuid } = (call.args.dom ?? {}) as { uuid: string }
  switch (call.name) {
    case 'domainEventRegister':
      return call.reply({ callbackId: 1 })
    case 'connectListAllDomains':
      return call.reply({ domains: [A, B].map(uuid => ({ name: 'listed', uuid, id: -1 })), count: 2 })
    case 'domainGetState':
      return uuid === C || xml(uuid) === undefined ? call.error(42, 'no domain') : call.reply({ state: 1, reason: 0 })
    default: {
      const text = uuid === C ? undefined : xml(uuid)
      return text === undefined ? call.error(42, 'no domain') : call.reply({ xml: text })
    }
  }
}

function synced(socket: string, seen: Inventory[] = [], known: readonly Domain[] = []): Promise<Inventory> {
  return new Promise(resolve => {
    const watch = watchInventory({
      socket,
      log: quiet,
      clock: systemClock,
      known,
      onChange: inventory => {
        seen.push(inventory)
        if (!inventory.synced) return
        watch.close()
        resolve(inventory)
      },
    })
  })
}
