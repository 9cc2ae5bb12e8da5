import test from 'ava'
import { ANYTHING } from '../../../agent/authority/judge.ts'
import { createHostState } from '../../../agent/stations/host.ts'
import { createServices } from '../../../agent/stations/services.ts'
import { port, ports, spec } from '../real-servers/fixtures.ts'

const none = { synced: true, problems: [], documents: [], files: [] }
const document = (service: string, vip: string) => ({
  file: `${service}.yaml`,
  line: 1,
  text: JSON.stringify({ service, vip, port: 80, realServers: [{ vm: 'elsewhere', port: 8080 }] }),
})

test('the VIPs of all services are guarded, of those too that a file of the host puts another in the place of', t => {
  const services = createServices({ services: () => [], contested: () => ({}) })
  const own = { ...none, specs: [spec({ service: 'web', vip: '10.10.1.101' })] }
  const told = [document('web', '10.10.1.100'), document('dns', '10.10.1.102')]
  const heard = { heard: true, byDirector: new Map([['d1', told]]) }
  const first = services({ services: own, documents: heard, withdrawn: false }, ANYTHING)
  t.deepEqual(first.vips, ['10.10.1.100', '10.10.1.101', '10.10.1.102'])
  const again = services({ services: { ...own, specs: [...own.specs] }, documents: heard, withdrawn: false }, ANYTHING)
  t.is(again.vips, first.vips, 'the same list while nothing changes')
  t.deepEqual(services({ services: own, documents: heard, withdrawn: true }, ANYTHING).vips, [])
})

test('each port of a VM is guarded, also where two VMs have one hardware address', t => {
  const state = createHostState({ hostMac: '02:00:00:00:00:20', uplink: 'uplink0' }, undefined)
  const twins = ports(port(1, { tag: 7 }), port(2, { tag: 8, attachedMac: port(1).attachedMac }))
  const { host } = state({ ports: twins, directors: { active: undefined, all: new Map() } } as never)
  t.deepEqual(
    host.vmPorts.map(({ name, mac, tag }) => [name, mac, tag]),
    [
      ['vnet1', port(1).attachedMac, 7],
      ['vnet2', port(1).attachedMac, 8],
    ],
  )
})
