import test from 'ava'
import type { GuestStatuses } from '../../../agent/inputs.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import { createAuthority } from '../../../agent/stations/authority.ts'
import { createServices } from '../../../agent/stations/services.ts'
import { openStore, type Store } from '../../../agent/store/store.ts'
import { domain, inventory, port, ports, uuid } from '../real-servers/fixtures.ts'

const VIP = '10.10.1.100'
const NO_FILES = { synced: true, specs: [], problems: [], documents: [], files: [] }
const POLICY = { allowedVms: ['*'], guestExec: false, director: ['d1:7473'] }
const HERE = { inventory: inventory(domain(1), domain(2)), index: indexPorts(ports(port(1), port(2))) }

const document = (service: string, vm: string) => ({
  file: `/d/${service}.yaml`,
  line: 1,
  text: JSON.stringify({ service, vip: VIP, port: 80, realServers: [{ vm, port: 8080 }] }),
})
const WEB = document('web', 'elsewhere')

/** What the VMs say of their own addresses, by number. */
const say = (told: Readonly<Record<number, string>>): GuestStatuses => ({
  status: (vmUuid, mac) => {
    const [, address] = Object.entries(told).find(([n]) => uuid(Number(n)) === vmUuid) ?? []
    if (address === undefined) return undefined
    return { vmUuid, mac, vips: new Map(), ownAddresses: [], nicName: 'eth0', addresses: [address] }
  },
})

/** A host that hears of documents and of what VMs say, and remembers as the agent does. */
function host(store: Store) {
  const authority = createAuthority(POLICY, store)
  const services = createServices(store)
  return (told: Readonly<Record<number, string>>, ...list: readonly ReturnType<typeof document>[]) => {
    const { judge, addresses } = authority.judge({ ...HERE, guests: say(told) }, HERE.index)
    const documents = { heard: true, byDirector: new Map([['d1', list]]) }
    const { vips, claims, refused } = services({ services: NO_FILES, documents, withdrawn: false }, judge)
    store.setGuardedVips([...authority.guard(vips, judge)])
    store.setVmAddresses(Object.fromEntries(addresses))
    return {
      guarded: vips.includes(VIP),
      claims: claims.map(({ vm, vip, guarded }) => `${vm} ${vip} ${guarded ? 'guarded' : 'free'}`),
      refused: refused.map(({ code }) => code),
    }
  }
}

test('a VM that calls a guarded VIP its own address lifts no guard, also over a restart, and is named', t => {
  const store = openStore(':memory:')
  const tell = host(store)
  t.deepEqual(tell({}, WEB), { guarded: true, claims: [], refused: [] })
  const says = { 1: '10.10.1.21/24', 2: `${VIP}/24` }
  for (const again of [tell, tell, host(store)])
    t.deepEqual(again(says, WEB), { guarded: true, claims: [`web-2 ${VIP} guarded`], refused: [] })
  const restarted = host(store)
  t.true(restarted({}, WEB).guarded, 'by what was remembered of the VM')
  t.deepEqual(
    restarted(says, WEB, document('shop', 'web-1')).refused,
    [],
    'another service at the VIP is nobody’s loss',
  )
  restarted(says)
  t.true(restarted(says, WEB).guarded, 'a service that comes back, while the VM still says so')
  t.deepEqual(restarted({ 1: '10.10.1.21/24', 2: '10.10.1.22/24' }, WEB).claims, [], 'the VM has taken it back')
})

test('a VM that has told its address before its host heard of the VIP keeps it, and is named', t => {
  const store = openStore(':memory:')
  const says = { 1: '10.10.1.21/24', 2: `${VIP}/24` }
  host(store)(says)
  const wrong = document('web', 'web-1')
  for (const again of [host(store), host(store)])
    t.deepEqual(again({}, wrong), { guarded: false, claims: [`web-2 ${VIP} free`], refused: ['VIP_NOT_ALLOWED'] })
  const other = { ...says, 2: '10.10.1.22/24' }
  const tell = host(store)
  t.true(tell(other, wrong).guarded, 'it has another address now')
  t.true(tell(says, wrong).guarded, 'from then on the VIP is guarded')
})
