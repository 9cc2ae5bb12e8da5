import test from 'ava'
import { type MachineFacts, propose } from '../../../agent/commands/proposal.ts'

const port = (name: string, kind?: 'internal' | 'vm') => ({ name, internal: kind === 'internal', vm: kind === 'vm' })
const facts = (...bridges: MachineFacts['bridges'][number][]): MachineFacts => {
  return { bridges, libvirtSockets: ['/run/libvirt/libvirt-sock'] }
}
const br0 = { name: 'br0', ports: [port('eth1'), port('vnet0', 'vm'), port('mgmt', 'internal')] }
const code = { code: 'SETUP_UNCLEAR' }

test('the only bridge, and its only port that is neither a VM’s nor internal', t => {
  t.deepEqual(propose(facts(br0), {}), { bridge: 'br0', uplink: 'eth1' })
})

test('of several bridges the only one that has VMs', t => {
  t.is(propose(facts({ name: 'br-ext', ports: [port('eth0')] }, br0), {}).bridge, 'br0')
})

test('where there is a choice it is not guessed, and what there is to choose from is named', t => {
  const two = { name: 'br1', ports: [port('eth2'), port('eth3')] }
  t.is(
    t.throws(() => propose(facts({ ...br0, ports: [] }, two), {}), code)?.message,
    'which bridge? In Open vSwitch there are br0, br1',
  )
  t.is(t.throws(() => propose(facts(two), {}), code)?.message, 'which uplink? In bridge br1 there are eth2, eth3')
  t.is(t.throws(() => propose(facts(), {}), code)?.message, 'which bridge? In Open vSwitch there is none')
  t.deepEqual(propose(facts(br0, two), { bridge: 'br1', uplink: 'eth3' }), { bridge: 'br1', uplink: 'eth3' })
})

test('a name that was given must be there', t => {
  t.is(
    t.throws(() => propose(facts(br0), { bridge: 'br9' }), code)?.message,
    'Open vSwitch has no bridge br9; there are br0',
  )
})

test("virtqemud's socket, where it is the only one", t => {
  const libvirtSocket = '/run/libvirt/virtqemud-sock'
  t.is(propose({ bridges: [br0], libvirtSockets: [libvirtSocket] }, {}).libvirtSocket, libvirtSocket)
})
