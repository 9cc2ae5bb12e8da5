import test from 'ava'
import fc from 'fast-check'
import { type ResolveInput, resolve } from '../../../agent/real-servers/resolve.ts'
import { domain, inventory, mac, port, ports, spec, uuid } from './fixtures.ts'

const RANGE = { first: 40_000, last: 40_009 }

function input(changes: Partial<ResolveInput> = {}): ResolveInput {
  return {
    specs: [spec()],
    inventory: inventory(domain(1)),
    ports: ports(port(1)),
    allocations: [],
    ingressPorts: RANGE,
    ...changes,
  }
}

test('a VM that a glob names becomes a real server with its port, MAC and number', t => {
  const { realServers, problems } = resolve(input())
  t.deepEqual(problems, [])
  t.is(realServers.length, 1)
  const [realServer] = realServers
  t.is(realServer?.key, `web/${uuid(1)}/8080`)
  t.deepEqual(realServer?.attachment, { mac: mac(1), port: 'vnet1', ofport: 11, tag: undefined })
  t.is(realServer?.ingressPort, 8080)
})

test('a UUID names a VM whatever it is called', t => {
  const specs = [spec({ realServers: [{ vm: uuid(2).toUpperCase(), port: 8080, weight: 1 }] })]
  const { realServers } = resolve(input({ specs, inventory: inventory(domain(1), domain(2, { name: 'x' })) }))
  t.deepEqual(
    realServers.map(b => b.vm.name),
    ['x'],
  )
})

test('a VM that is called as a pattern is, or as another’s UUID, takes nothing from those that it names', t => {
  const names = (vm: string, called: string) => {
    const specs = [spec({ realServers: [{ vm, port: 8080, weight: 1 }] })]
    const domains = inventory(domain(1, { name: 'web-1' }), domain(2, { name: called }))
    return resolve(input({ specs, inventory: domains })).realServers.map(({ vm: { name } }) => name)
  }
  t.deepEqual(names('web-*', 'web-*'), ['web-1', 'web-*'])
  t.deepEqual(names(uuid(1), uuid(1)), ['web-1'])
  t.deepEqual(names('web-1', 'web-*'), ['web-1'])
})

test('what cannot serve says why', t => {
  const obstacle = (state: Parameters<typeof domain>[1], list = [port(1)]) =>
    resolve(input({ inventory: inventory(domain(1, state)), ports: ports(...list) })).realServers[0]?.obstacle
  t.is(obstacle({ state: 'shutoff' }), 'the VM is shut off')
  t.is(obstacle({ state: 'paused' }), 'the VM is paused')
  t.is(obstacle({ nics: [] }), 'the VM has no NIC')
  t.is(obstacle({}, []), `no NIC of the VM (${mac(1)}) is plugged into the bridge`)
  t.is(
    obstacle({}, [port(1, { ofport: undefined, error: 'no such device' })]),
    'Open vSwitch has not opened port vnet1: no such device',
  )
  t.is(obstacle({}, [port(1, { linkUp: false })]), "the link of the VM's port vnet1 is down")
})

test('a VM that is paused stays attached: its shield is there before it goes on, as after a migration', t => {
  const [realServer] = resolve(input({ inventory: inventory(domain(1, { state: 'paused' })) })).realServers
  t.like(realServer?.attachment, { port: 'vnet1', ofport: 11 })
})

test("a port that carries another VM's id is not this VM's, even with the same MAC", t => {
  const { realServers } = resolve(input({ ports: ports(port(1, { vmId: uuid(9) })) }))
  t.is(realServers[0]?.attachment, undefined)
})

test('two VMs with one RS port on one host: host MAC + ingress port still name one real server', t => {
  const two = { inventory: inventory(domain(1), domain(2)), ports: ports(port(1), port(2)) }
  const first = resolve(input(two))
  t.deepEqual(
    first.realServers.map(b => b.ingressPort),
    [8080, 40_000],
  )
  // The one with the real port leaves; the other keeps its number.
  const second = resolve(input({ inventory: inventory(domain(2)), ports: two.ports, allocations: first.allocations }))
  t.deepEqual(
    second.realServers.map(b => [b.ingressPort, b.id]),
    [[40_000, 2]],
  )
})

test('an ingress port is never one that another real server of the VIP listens on', t => {
  const specs = [
    spec({ realServers: [1, 2, 3].map(n => ({ vm: `web-${n}`, port: n === 3 ? 40_000 : 8080, weight: 1 })) }),
  ]
  const { realServers } = resolve(
    input({ specs, inventory: inventory(domain(1), domain(2), domain(3)), ports: ports(port(1), port(2), port(3)) }),
  )
  t.is(new Set(realServers.map(b => b.ingressPort)).size, 3)
})

test('no free ingress port: the real server is left out, the operator is told where to widen the range', t => {
  const domains = [1, 2, 3].map(n => domain(n))
  const { realServers, problems } = resolve(
    input({
      inventory: inventory(...domains),
      ports: ports(port(1), port(2), port(3)),
      ingressPorts: { first: 40_000, last: 40_000 },
    }),
  )
  t.is(realServers.length, 2)
  t.regex(problems[0]?.message ?? '', /no free ingress port in 40000-40000 .*ingressPorts/)
})

test('ports that a service has given up with its VIP are free in the same pass, although it has the same ones at its new VIP', t => {
  const both = {
    inventory: inventory(domain(1), domain(2)),
    ports: ports(port(1), port(2)),
    ingressPorts: { first: 40_000, last: 40_000 },
  }
  const a = spec({ service: 'a', vip: '10.10.1.100' })
  const alone = resolve(input({ ...both, specs: [a] }))
  const moved = { ...a, vip: '10.10.1.101' }
  const b = spec({ service: 'b', vip: '10.10.1.100', port: 81 })
  const { realServers, problems } = resolve(input({ ...both, specs: [moved, b], allocations: alone.allocations }))
  t.deepEqual(problems, [])
  t.deepEqual(
    realServers.map(({ service, ingressPort }) => `${service} ${ingressPort}`),
    ['a 8080', 'a 40000', 'b 8080', 'b 40000'],
  )
})

test('two VIP ports on one RS port of one VM are refused with both names, files and lines; the older stays', t => {
  const a = spec({ service: 'a', port: 80, source: { origin: 'file', file: 'z.yaml', line: 3 } })
  const b = spec({ service: 'b', port: 81, source: { origin: 'file', file: 'a.yaml', line: 9 } })
  const alone = resolve(input({ specs: [a] }))
  const both = resolve(input({ specs: [b, a], allocations: alone.allocations }))
  t.deepEqual(
    both.realServers.map(x => x.service),
    ['a'],
  )
  t.is(both.problems[0]?.code, 'SERVICE_AMBIGUOUS')
  for (const part of ['a (z.yaml:3)', 'b (a.yaml:9)', '80 and 81', 'web-1'])
    t.true(both.problems[0]?.message.includes(part))
})

test('another protocol or another VIP on the same RS port is no ambiguity', t => {
  const others = [
    spec({ service: 'b', port: 81, protocol: 'udp' }),
    spec({ service: 'c', port: 81, vip: '10.10.1.101' }),
  ]
  const { realServers, problems } = resolve(input({ specs: [spec(), ...others] }))
  t.is(realServers.length, 3)
  t.deepEqual(problems, [])
})

test('one VM named twice with two weights: the first is in force, and a warning says so', t => {
  const listed = [
    { vm: 'web-1', port: 8080, weight: 3 },
    { vm: 'web-*', port: 8080, weight: 1 },
  ]
  const { realServers, problems } = resolve(input({ specs: [spec({ realServers: listed })] }))
  t.deepEqual(
    realServers.map(b => b.weight),
    [3],
  )
  t.is(problems[0]?.code, 'REAL_SERVER_DUPLICATE')
})

const world = fc.record({
  vms: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 6 }),
  services: fc.uniqueArray(
    fc.record({
      n: fc.integer({ min: 1, max: 5 }),
      port: fc.constantFrom(80, 81),
      rsPort: fc.constantFrom(8080, 8081, 40_001),
    }),
    { selector: s => s.n, maxLength: 5 },
  ),
})

test('property: whatever the order of the inputs, host MAC + ingress port name one real server, and so does its reply', t => {
  fc.assert(
    fc.property(world, fc.infiniteStream(fc.double({ noNaN: true })), ({ vms, services }, random) => {
      const specs = services.map(({ n, port: vipPort, rsPort }) =>
        spec({ service: `s${n}`, port: vipPort, realServers: [{ vm: 'web-*', port: rsPort, weight: 1 }] }),
      )
      const make = (order: <T>(list: readonly T[]) => T[]) =>
        resolve(
          input({
            specs: order(specs),
            inventory: inventory(...order(vms).map(n => domain(n))),
            ports: ports(...order(vms).map(n => port(n))),
          }),
        )
      const straight = make(list => [...list])
      const shuffled = make(list =>
        list
          .map(item => ({ item, key: random.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(x => x.item),
      )
      t.deepEqual(shuffled.realServers, straight.realServers)
      const requests = straight.realServers.map(b => `${b.vip}/${b.protocol}/${b.ingressPort}`)
      const replies = straight.realServers.map(b => `${b.vip}/${b.protocol}/${b.vm.uuid}/${b.rsPort}`)
      t.is(new Set(requests).size, requests.length)
      t.is(new Set(replies).size, replies.length)
      const again = resolve(
        input({
          specs,
          inventory: inventory(...vms.map(n => domain(n))),
          ports: ports(...vms.map(n => port(n))),
          allocations: straight.allocations,
        }),
      )
      t.deepEqual(again.realServers, straight.realServers)
    }),
  )
})

test('an ingress port that one service gives up is there for another that finds no other', t => {
  const on = (n: number) => [{ vm: `web-${n}`, port: 8080, weight: 1 }]
  const service = (name: string, vip: string, port: number, n: number) =>
    spec({ service: name, vip, port, realServers: on(n), source: { origin: 'file', file: `${name}.yaml`, line: 1 } })
  const narrow = {
    inventory: inventory(domain(1), domain(2), domain(3)),
    ports: ports(port(1), port(2), port(3)),
    ingressPorts: { first: 40_000, last: 40_000 },
  }
  const [a, b] = [service('a', '10.0.0.1', 80, 1), service('b', '10.0.0.1', 81, 2)]
  const before = resolve(input({ ...narrow, specs: [a, b] }))
  t.deepEqual(
    before.allocations.map(({ ingressPort }) => ingressPort),
    [8080, 40_000],
  )
  const specs = [a, service('b', '10.0.0.2', 81, 2), service('c', '10.0.0.1', 82, 3)]
  const after = resolve(input({ ...narrow, specs, allocations: before.allocations }))
  t.deepEqual(after.problems, [])
  t.deepEqual(
    after.allocations.map(({ ingressPort }) => ingressPort),
    [8080, 8080, 40_000],
  )
})
