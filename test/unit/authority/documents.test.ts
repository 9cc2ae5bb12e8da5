import test from 'ava'
import fc from 'fast-check'
import { createJudge } from '../../../agent/authority/judge.ts'
import type { KnownVm, Policy } from '../../../agent/authority/types.ts'
import { createServices } from '../../../agent/stations/services.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { checkOf } from '../health/fixtures.ts'
import { spec } from '../real-servers/fixtures.ts'

const FREE: Policy = { allowedVms: ['*'], guestExec: false }
const SAYS = ['10.10.1.21/24']
const vm = (n: number, addresses?: readonly string[], name = `web-${n}`): KnownVm => ({
  uuid: `u${n}`,
  name,
  addresses,
  silent: addresses === undefined ? 'the guest agent of the VM is not running (yet)' : '',
})
const EXEC = { check: checkOf({ type: 'exec', command: ['true'] }) }
const TCP = { check: checkOf({ type: 'tcp' }) }

/** Policy × VMs × document → nothing, or the code and words of the reason. */
const CASES: readonly (readonly [string, Policy, readonly KnownVm[], Partial<ServiceSpec>, RegExp | undefined])[] = [
  ['a VIP in a network of its VM', FREE, [vm(1, SAYS)], {}, undefined],
  ['a VIP in a network of another VM', FREE, [vm(1, []), vm(2, SAYS, 'other')], {}, undefined],
  ['a VIP outside', FREE, [vm(1, ['192.168.7.2/24'])], {}, /^VIP_NOT_ALLOWED .*allowedVips: \[10\.10\.1\.100\/32\]/],
  ['a VM that has told nothing', FREE, [vm(1)], {}, /^VIP_UNKNOWN .*web-1.*not running.*allowedVips/],
  ['a VM that has no address yet', FREE, [vm(1, [])], {}, /^VIP_NOT_ALLOWED .*no network/],
  ['no VM here', FREE, [vm(2, ['192.168.7.2/24'], 'db')], {}, undefined],
  [
    "a VM's own address",
    FREE,
    [vm(1, SAYS), vm(2, ['10.10.1.100/24'], 'db')],
    {},
    /^VIP_NOT_ALLOWED .*address of VM db/,
  ],
  ['the VIP is there from before', FREE, [vm(1, [...SAYS, '10.10.1.100/32'])], {}, undefined],
  ['a guest that says it is everywhere', FREE, [vm(1, ['10.0.0.1/0'])], {}, /^VIP_NOT_ALLOWED/],
  ['named by the configuration', { ...FREE, allowedVips: ['10.10.1.96/28'] }, [vm(1)], {}, undefined],
  [
    'not named there',
    { ...FREE, allowedVips: ['10.9.0.0/16'] },
    [vm(1, SAYS)],
    {},
    /^VIP_NOT_ALLOWED .*\[10\.9\.0\.0\/16, 10\.10\.1\.100\/32\]/,
  ],
  ['nothing is named there', { ...FREE, allowedVips: [] }, [vm(1, SAYS)], {}, /^VIP_NOT_ALLOWED/],
  ['a command in guests', FREE, [vm(1, SAYS)], EXEC, /^GUEST_EXEC_NOT_ALLOWED .*guestExec: true/],
  ['a command where there is no VM of it', FREE, [vm(1, SAYS, 'db')], EXEC, undefined],
  ['a command that is allowed', { ...FREE, guestExec: true }, [vm(1, SAYS)], EXEC, undefined],
  ['another check', FREE, [vm(1, SAYS)], TCP, undefined],
  ['a VM that may not serve asks for nothing', { ...FREE, allowedVms: ['db-*'] }, [vm(1)], EXEC, undefined],
]

for (const [name, policy, vms, change, wanted] of CASES)
  test(`document: ${name}`, t => {
    const judge = createJudge(policy, () => false)(new Map(vms.map(one => [one.uuid, one])))
    const refusal = judge.refusal(spec(change), undefined)
    const words = refusal === undefined ? undefined : `${refusal.code} ${refusal.reason}`
    if (wanted === undefined) t.is(words, undefined)
    else t.regex(words ?? 'accepted', wanted)
  })

test('a VIP that is served stays allowed; one that the configuration does not name does not', t => {
  const none = new Map<string, KnownVm>([['u1', vm(1)]])
  t.is(createJudge(FREE, () => true)(none).refusal(spec(), undefined), undefined)
  t.truthy(createJudge({ ...FREE, allowedVips: [] }, () => true)(none).refusal(spec(), undefined))
})

test('no VM is kept from speaking for its own address because a director calls it a VIP', t => {
  const vms = new Map([['u1', vm(1, SAYS)]])
  const judge = createJudge(FREE, () => false)(vms)
  t.false(judge.guards('10.10.1.21'))
  t.true(judge.guards('10.10.1.100'))
  const named = createJudge({ ...FREE, allowedVips: ['10.10.1.96/28'] }, () => false)(vms)
  t.deepEqual(['10.10.1.21', '10.10.1.50', '10.10.1.100'].map(named.guards), [false, false, true])
})

test('sorry servers that a file of the host names are named by the document, too', t => {
  const judge = createJudge(FREE, () => false)(new Map([['u1', vm(1, [])]]))
  const elsewhere = spec({ realServers: [{ vm: 'elsewhere', port: 80, weight: 1 }] })
  t.is(judge.refusal(elsewhere, undefined), undefined)
  t.is(judge.refusal(elsewhere, spec())?.code, 'VIP_NOT_ALLOWED')
})

const NO_FILES = { synced: true, specs: [], problems: [], documents: [], files: [] }
const text = ({ vip = '10.10.1.100', vm = 'web-1', exec = false, weight = 1 }) =>
  JSON.stringify({
    service: 'web',
    vip,
    port: 80,
    realServers: [{ vm, port: 8080, weight }],
    ...(exec ? { check: { type: 'exec', command: ['true'] } } : {}),
  })

function host(policy: Policy, vms: readonly KnownVm[], inForce: readonly ServiceSpec[] = []) {
  const services = createServices({ services: () => inForce, contested: () => ({}) })
  const judge = createJudge(policy, () => false)(new Map(vms.map(one => [one.uuid, one])))
  return (...documents: string[]) => {
    const list = documents.map((one, i) => ({ file: '/d/web.yaml', line: i + 1, text: one }))
    const documentsOf = { heard: true, byDirector: new Map([['d1', list]]) }
    return services({ services: NO_FILES, documents: documentsOf, withdrawn: false }, judge)
  }
}

test('a refused version leaves the last one that was accepted, also over a restart; policy takes what it does not allow out', t => {
  const vms = [vm(1, SAYS)]
  const tell = host(FREE, vms)
  const good = tell(text({}))
  t.is(good.specs[0]?.realServers[0]?.weight, 1)
  const bad = text({ weight: 5, exec: true })
  for (const again of [tell, host(FREE, vms, good.inForce)]) {
    const { specs, problems, refused, inForce } = again(bad)
    t.is(specs[0]?.realServers[0]?.weight, 1)
    t.like(problems[0], {
      code: 'GUEST_EXEC_NOT_ALLOWED',
      file: '/d/web.yaml',
      line: 1,
      service: 'web',
      lastGood: true,
    })
    t.is(refused.length, 1)
    t.deepEqual(inForce, good.inForce)
  }
  t.deepEqual(host({ ...FREE, allowedVips: [] }, vms, good.inForce)(bad).specs, [])
  t.deepEqual(tell(text({ weight: 5 })).specs[0]?.realServers[0]?.weight, 5)
  t.deepEqual(tell().specs, [], 'a document that goes takes its service with it')
})

test('a refused document is in no other’s way', t => {
  const tell = host(FREE, [vm(1, SAYS)])
  const other = JSON.parse(text({})) as Record<string, unknown>
  const { specs } = tell(text({ exec: true }), JSON.stringify({ ...other, service: 'other' }))
  t.deepEqual(
    specs.map(({ service }) => service),
    ['other'],
  )
})

test('what is refused changes nothing, whatever is told before and after', t => {
  const document = fc.record({
    vip: fc.constantFrom('10.10.1.100', '10.10.1.101', '10.20.0.1', '10.10.1.21'),
    vm: fc.constantFrom('web-1', 'web-*', '*'),
    exec: fc.boolean(),
    weight: fc.integer({ min: 1, max: 3 }),
  })
  const may = ({ vip, exec }: { readonly vip: string; readonly exec: boolean }) => vip.startsWith('10.10.1.10') && !exec
  fc.assert(
    fc.property(fc.array(document, { maxLength: 8 }), documents => {
      const tell = host(FREE, [vm(1, SAYS)])
      let last: (typeof documents)[number] | undefined
      for (const one of documents) {
        if (may(one)) last = one
        const { specs, vips } = tell(text(one))
        const found = specs.map(({ vip, realServers: [rs], check }) => [vip, rs?.vm, rs?.weight, check?.type])
        t.deepEqual(found, last === undefined ? [] : [[last.vip, last.vm, last.weight, undefined]])
        t.false(vips.includes('10.10.1.21'))
      }
    }),
  )
})
