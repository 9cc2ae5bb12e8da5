import test from 'ava'
import { mayServe } from '../../../agent/authority/judge.ts'
import type { GuestStatus } from '../../../agent/guest/types.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import { createResolver } from '../../../agent/real-servers/resolver.ts'
import { createAuthority } from '../../../agent/stations/authority.ts'
import { createVmAddresses } from '../../../agent/stations/vm-addresses.ts'
import { openStore } from '../../../agent/store/store.ts'
import { createSorryServices } from '../../../shared/config/sorry-service.ts'
import { domain, inventory, mac, port, ports, spec, uuid } from '../real-servers/fixtures.ts'

const SENT = { origin: 'director', file: '/d/web.yaml', line: 1 } as const
const two = { inventory: inventory(domain(1), domain(2)), ports: ports(port(1), port(2)) }
const ingress = { ingressPorts: { first: 40_000, last: 40_009 } }

test('a VM that may not serve for directors serves for files of the host only, and is named', t => {
  const resolver = createResolver([], mayServe({ allowedVms: ['web-2'] }))
  const all = [{ vm: 'web-*', port: 8080, weight: 1 }]
  const sent = resolver.update({ specs: [spec({ source: SENT, realServers: all })], ...two, ...ingress })
  t.deepEqual(
    sent.realServers.map(({ vm }) => vm.name),
    ['web-2'],
  )
  t.like(sent.problems[0], { code: 'VM_NOT_ALLOWED', subject: '/d/web.yaml:1' })
  t.regex(sent.problems[0]?.message ?? '', /names VM web-1, which may not serve.*allowedVms/)
  const own = resolver.update({ specs: [spec({ realServers: all })], ...two, ...ingress })
  t.is(own.realServers.length, 2)
  t.deepEqual(own.problems, [])
})

test('sorry servers that a director has told of are a director’s, whoever names their service', t => {
  const web = spec({ sorryService: 'sorry', realServers: [{ vm: 'web-2', port: 8080, weight: 1 }] })
  const sorry = spec({
    service: 'sorry',
    vip: '10.10.1.101',
    source: SENT,
    realServers: [{ vm: 'web-1', port: 81, weight: 1 }],
  })
  const { specs } = createSorryServices()([web, sorry])
  const resolver = createResolver([], mayServe({ allowedVms: ['db-*'] }))
  const { realServers } = resolver.update({ specs, ...two, ...ingress })
  t.deepEqual(
    realServers.map(({ key }) => key),
    [`web/${uuid(2)}/8080`],
  )
})

test('a UUID and a pattern name VMs as in a service file', t => {
  const may = mayServe({ allowedVms: [uuid(1), 'db-[0-9]'] })
  t.deepEqual([domain(1), domain(2), domain(3, { name: 'db-3' })].map(may), [true, false, true])
})

const guests = (told: Readonly<Record<number, readonly string[]>>) => ({
  status: (vmUuid: string, nic: string): GuestStatus | undefined => {
    const found = Object.entries(told).find(([n]) => uuid(Number(n)) === vmUuid && mac(Number(n)) === nic)
    if (found === undefined) return undefined
    return { vmUuid, mac: nic, vips: new Map(), ownAddresses: [], nicName: 'eth0', addresses: found[1] }
  },
})

test('what guests have told of their networks is remembered: a restart knows at once', t => {
  const store = openStore(':memory:')
  const index = indexPorts(two.ports)
  const { domains } = two.inventory
  const first = createVmAddresses(store)
  const before = first(domains, index, guests({}))
  t.is(before.vms.get(uuid(1))?.addresses, undefined)
  t.regex(before.vms.get(uuid(1))?.silent ?? '', /has not told its addresses yet/)
  const { addresses, vms } = first(domains, index, guests({ 1: ['10.10.1.21/24'] }))
  t.deepEqual(vms.get(uuid(1))?.addresses, ['10.10.1.21/24'])
  t.is(first(domains, index, guests({ 1: ['10.10.1.21/24'] })).vms, vms, 'the same while nothing changes')
  store.setVmAddresses(Object.fromEntries(addresses))
  const again = createVmAddresses(store)(domains, index, guests({}))
  t.deepEqual(again.vms.get(uuid(1))?.addresses, ['10.10.1.21/24'])
  const without = createVmAddresses(store)([domain(2)], index, guests({}))
  t.is(without.addresses.size, 0, 'a VM that is gone takes its own along')
})

test('VMs are asked until they have told, and again while it may make a document good; by nobody where nothing is to be learnt', t => {
  const store = openStore(':memory:')
  const index = indexPorts(two.ports)
  const stopped = inventory(domain(1), domain(2), domain(3, { state: 'shutoff' }), domain(4, { agentChannel: 'none' }))
  const policy = { allowedVms: ['*'], guestExec: false, director: ['d1:7473'] }
  const ask = (
    config: Parameters<typeof createAuthority>[0],
    told: Parameters<typeof guests>[0],
    refused: string[] = [],
    claims: Parameters<ReturnType<typeof createAuthority>['asked']>[3] = [],
  ) =>
    createAuthority(config, store)
      .asked(
        { inventory: stopped, guests: guests(told) },
        index,
        [{ code: 'VIP_NOT_ALLOWED', reason: '', ask: refused }],
        claims,
      )
      .map(({ vmName, vips }) => [vmName, vips.length])
  t.deepEqual(ask(policy, {}), [
    ['web-1', 0],
    ['web-2', 0],
  ])
  t.deepEqual(ask(policy, { 1: [], 2: [] }), [])
  t.deepEqual(ask(policy, { 1: [], 2: [] }, [uuid(2)]), [['web-2', 0]])
  const claim = { vm: 'web-1', vip: '10.10.1.100', guarded: true }
  t.deepEqual(ask(policy, { 1: [], 2: [] }, [], [claim]), [['web-1', 0]], 'whether it still says so')
  t.deepEqual(ask({ ...policy, director: [] }, {}), [])
  t.deepEqual(ask({ ...policy, allowedVips: ['10.10.1.0/24'] }, {}), [])
})
