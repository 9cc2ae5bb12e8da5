import test from 'ava'
import { findConflicts } from '../../../shared/config/conflicts.ts'
import { mergeServices } from '../../../shared/config/merge.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { patternsMeet, vmMatcher } from '../../../shared/config/vm-pattern.ts'

const spec = (
  service: string,
  port: number,
  vm: string,
  rsPort: number,
  more: Partial<ServiceSpec> = {},
): ServiceSpec => ({
  service,
  vip: '10.10.1.100',
  port,
  protocol: 'tcp',
  scheduler: 'wlc',
  clients: ['0.0.0.0/0'],
  arp: 'answer',
  realServers: [{ vm, port: rsPort, weight: 1 }],
  source: { origin: 'file', file: `${service}.yaml`, line: 1 },
  ...more,
})

const reasons = (...specs: ServiceSpec[]) => findConflicts(specs).map(({ reason }) => reason)

test('one name twice: both files and lines are named', t => {
  const second = spec('web', 81, 'b', 2, { source: { origin: 'file', file: 'z.yaml', line: 9 } })
  const [found] = findConflicts([spec('web', 80, 'a', 1), second])
  t.is(found?.loser.source.file, 'z.yaml')
  t.is(found?.reason, "service 'web' is already defined in web.yaml:1")
})

test('one VIP, protocol and port twice', t => {
  t.deepEqual(reasons(spec('a', 80, 'x', 1), spec('b', 80, 'y', 2)), [
    "10.10.1.100 tcp port 80 already belongs to service 'a' in a.yaml:1",
  ])
  t.deepEqual(reasons(spec('a', 80, 'x', 1), spec('b', 80, 'x', 1, { protocol: 'udp' })), [])
  t.deepEqual(reasons(spec('a', 80, 'x', 1), spec('b', 80, 'x', 1, { vip: '10.10.1.101' })), [])
})

test('two VIP ports on one real server port: replies could not be told apart', t => {
  t.deepEqual(reasons(spec('a', 80, 'web-*', 8080), spec('b', 443, 'web-1', 8080)), [
    "replies from port 8080 of VM 'web-1' could belong to VIP port 443 of 'b' in b.yaml:1 or to VIP port 80 of 'a' in " +
      "a.yaml:1 (VM 'web-*'); give one of them a real server port of its own",
  ])
  t.deepEqual(reasons(spec('a', 80, 'web-1', 8080), spec('b', 443, 'web-1', 8443)), [])
  t.deepEqual(reasons(spec('a', 80, 'web-1', 8080), spec('b', 443, 'web-2', 8080)), [])
})

test('what has lost is in nobody’s way', t => {
  const first = spec('a', 80, 'x', 1)
  const lost = spec('b', 80, 'y', 2)
  t.is(reasons(first, lost, spec('b', 81, 'z', 3)).length, 1)
})

test('a host file overrides by service name, and wins against the director’s documents', t => {
  const director = (name: string, port: number, vm: string, rsPort: number) =>
    spec(name, port, vm, rsPort, { source: { origin: 'director', file: `${name}.yaml`, line: 1 } })
  const own = spec('web', 80, 'mine', 8080)
  const { specs, problems } = mergeServices(
    [own],
    [director('web', 80, 'theirs', 1), director('api', 81, 'api', 1), director('clash', 80, 'q', 9)],
  )
  t.deepEqual(
    specs.map(({ service, source }) => [service, source.origin]),
    [
      ['api', 'director'],
      ['web', 'file'],
    ],
  )
  t.is(specs[1], own)
  t.deepEqual(
    problems.map(({ service, reason }) => [service, reason]),
    [['clash', "10.10.1.100 tcp port 80 already belongs to service 'web' in web.yaml:1"]],
  )
})

test('VM patterns: name, glob, UUID', t => {
  const uuid = '6f0a2e9c-1111-2222-3333-444455556666'
  const matches = (pattern: string, name: string) => vmMatcher(pattern)({ name, uuid })
  t.true(matches('web-*', 'web-1'))
  t.true(matches('web-*', 'web-'))
  t.true(matches('*', '.hidden'))
  t.false(matches('web-*', 'myweb-1'))
  t.false(matches('web', 'web-1'))
  t.false(matches('WEB', 'web'))
  t.true(matches('web-[12]', 'web-2'))
  t.true(matches('{a,b}?', '{a,b}7'))
  t.true(matches('a(b)+c', 'a(b)+c'))
  t.true(matches(uuid.toUpperCase().replaceAll('-', ''), 'x'))
  t.false(matches(uuid.replace('6f', '70'), 'x'))
})

test('patterns that certainly meet', t => {
  for (const [a, b, meets] of [
    ['web', 'web', true],
    ['web-*', 'web-*', true],
    ['web-*', 'web-1', true],
    ['*', 'web-*', true],
    ['web-*', 'web-1*', true],
    ['web-*', 'db-*', false],
    ['web-*', '*-prod', false],
    ['web-?', 'web-*', true],
    ['web-1', 'web-2', false],
    ['web-[12]', 'web-2', true],
    ['web-[12]', 'web-?', true],
    ['web-[12]', 'web-[1-2]', false],
    ['web-[12]', 'web-*', true],
    ['web-[[:digit:]]', 'web-[[:alpha:]]', false],
    ['web-?*', 'web-*', true],
    ['web-*?', 'web-?*', true],
    ['a?*', '*a', false],
    ['web-\\*', 'web-*', true],
    ['web-\\1', 'web-1', true],
    ['Windows (x64) *', 'Windows (x64) 1', true],
    ['6f0a2e9c-1111-2222-3333-444455556666', '6F0A2E9C111122223333444455556666', true],
  ] as const) {
    t.is(patternsMeet(a, b), meets, `${a} ${b}`)
    t.is(patternsMeet(b, a), meets, `${b} ${a}`)
  }
})
