import test from 'ava'
import { createCells } from '../../../agent/cells.ts'
import { initialInputs, type Session } from '../../../agent/inputs.ts'
import { NO_OUTCOME, type Outcome } from '../../../agent/outcome.ts'
import { AGENT_CONDITIONS } from '../../../agent/outlets/conditions.ts'
import { agentStatus } from '../../../agent/outlets/status.ts'
import { REFUSAL_CODES } from '../../../agent/report/types.ts'
import { openStore } from '../../../agent/store/store.ts'
import { createApplier } from '../../../shared/apply/apply.ts'
import { CrossportError } from '../../../shared/errors.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { createTimeline } from '../../../shared/run/timeline.ts'
import { domain, inventory, mac, port, ports, uuid } from '../real-servers/fixtures.ts'
import { reported } from '../registry/fixture.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { certificate } from './certificate.ts'

const WELL = ports(port(1), port(9, { name: 'uplink0' }))
const VIP = { vmUuid: uuid(1), mac: mac(1), vip: '10.10.1.100', nicName: 'eth0', addressAdded: true, edits: [] }
const PLACE = { file: '/etc/crossport/services.d/web.yaml', line: 3, column: 7, lastGood: true }
const DIRECTOR = 'd1:7473'
const REFUSED = { object: 'web', reason: 'the switch does not know the field' }

/** An agent of which everything is in force, and what its status finds once `change` has been made. */
function scene() {
  const clock = fakeClock()
  const store = openStore(':memory:')
  const cells = createCells(initialInputs(store, [DIRECTOR], undefined))
  const { inputs } = cells
  inputs.services.set({ ...inputs.services.get(), synced: true })
  inputs.inventory.set(inventory(domain(1)))
  inputs.ports.set(WELL)
  inputs.switch.set({ session: {} as Session, reason: '' })
  cells.registrations.set(new Map([[DIRECTOR, { state: 'registered', reason: '' }]]))
  cells.outcome.set({ ...NO_OUTCOME })
  const loop: { lastError: Error | undefined; waitingFor: string | undefined } = {
    lastError: undefined,
    waitingFor: undefined,
  }
  const insecure: { plaintext: string | undefined } = { plaintext: undefined }
  const applier = { ...createApplier({ log: quiet, clock }), quarantined: [] as (typeof REFUSED)[] }
  const problems = () => {
    const timeline = createTimeline(clock)
    const names = { id: 'rs1', version: '1', startedAt: '', bridge: 'br0', uplink: 'uplink0', servicesDir: '/etc/s' }
    const status = agentStatus({ ...names, directors: [DIRECTOR], cells, applier, store, timeline, loop, ...insecure })
    return [...(status.problems ?? [])].map(
      ({ code, severity, subject, message }) => `${severity} ${code} ${subject}: ${message}`,
    )
  }
  const outcome = (change: Partial<Outcome>) => cells.outcome.set({ ...NO_OUTCOME, ...change })
  return { cells, inputs, loop, insecure, applier, problems, outcome }
}

type Scene = ReturnType<typeof scene>

/** What may be wrong, how it comes about, and what the operator reads. */
const CASES: Readonly<Record<string, readonly [(scene: Scene) => void, RegExp]>> = {
  RPC_TLS: [
    ({ cells }) => cells.certificate.set(certificate({ unusable: 'cannot read /a.pem' })),
    /^error RPC_TLS certificate: cannot read \/a\.pem; connections that are open go on, and no new one can be made/,
  ],
  CERTIFICATE_ENDING: [
    ({ cells }) => cells.certificate.set(certificate({ ending: 'it ends', notRenewed: 'nobody answers' })),
    /^warning CERTIFICATE_ENDING certificate: it ends; not renewed: nobody answers/,
  ],
  PLAINTEXT: [
    found => (found.insecure.plaintext = 'insecurePlaintext: it is open'),
    /^note PLAINTEXT connection: insecurePlaintext: it is open/,
  ],
  SPEC_DIRECTORY: [
    ({ inputs }) => inputs.services.set({ ...inputs.services.get(), unread: 'it cannot be read: EACCES' }),
    /^warning SPEC_DIRECTORY \/etc\/s: it cannot be read/,
  ],
  OVSDB_UNREACHABLE: [
    ({ inputs }) => inputs.ports.set({ ...WELL, synced: false, reason: 'connection refused' }),
    /^warning OVSDB_UNREACHABLE ovsdb: connection refused/,
  ],
  SWITCH_UNREACHABLE: [
    ({ inputs }) => inputs.switch.set({ session: undefined, reason: 'connection refused' }),
    /^warning SWITCH_UNREACHABLE switch: connection refused/,
  ],
  BRIDGE_MISSING: [
    ({ inputs }) => inputs.ports.set({ synced: true, bridge: undefined, ports: [], reason: 'no bridge br0' }),
    /^error BRIDGE_MISSING br0: no bridge br0/,
  ],
  UPLINK_MISSING: [
    ({ inputs }) => inputs.ports.set(ports(port(1))),
    /^error UPLINK_MISSING uplink0: the uplink uplink0 is no port of bridge br0/,
  ],
  TUNNEL_PORT: [
    ({ inputs }) => inputs.tunnel.set({ name: 'uplink0', problem: 'it has another type', detail: '', mtu: 1450 }),
    /^error TUNNEL_PORT uplink0: it has another type/,
  ],
  FLOW_RESTORE_WAIT: [
    ({ inputs }) => inputs.ports.set({ ...WELL, flowRestoreWait: true }),
    /^error FLOW_RESTORE_WAIT br0: .*forwards nothing/,
  ],
  SPEC_INVALID: [
    ({ outcome }) => outcome({ specProblems: [{ ...PLACE, reason: 'port: must be at most 65535' }] }),
    /^error SPEC_INVALID \S+web\.yaml:3:7: port: must be at most 65535 \(the last good version .* stays in force\)/,
  ],
  NOT_IN_SYNC: [
    ({ cells, loop }) => {
      cells.outcome.set(NO_OUTCOME)
      loop.waitingFor = 'libvirt'
    },
    /^warning NOT_IN_SYNC agent: nothing has been applied yet: waiting for libvirt/,
  ],
  PASS_FAILED: [({ loop }) => (loop.lastError = new Error('no answer')), /^error PASS_FAILED switch: .*: no answer/],
  STORE_FAILED: [
    ({ loop }) => (loop.lastError = new CrossportError('STORE_FAILED', 'no space left on the device')),
    /^error STORE_FAILED state file: .*: no space left/,
  ],
  SWITCH_REJECTED: [
    ({ applier }) => applier.quarantined.push(REFUSED),
    /^error SWITCH_REJECTED web: the switch does not/,
  ],
  CONNECTION_TABLE_FULL: [
    ({ cells }) =>
      cells.tableProblems.set([
        { severity: 'warning', code: 'CONNECTION_TABLE_FULL', subject: 'connection table', message: '99 % are used' },
      ]),
    /^warning CONNECTION_TABLE_FULL connection table: 99 %/,
  ],
  TORN_DOWN: [({ inputs }) => inputs.withdrawn.set(true), /^warning TORN_DOWN agent: torn down on request/],
  TEARDOWN_UNFINISHED: [
    ({ inputs }) => {
      inputs.withdrawn.set(true)
      inputs.records.set([VIP])
    },
    /^error TEARDOWN_UNFINISHED VIP 10\.10\.1\.100 in web-1: is still there/,
  ],
  LIBVIRT_UNREACHABLE: [
    ({ inputs }) => inputs.inventory.set({ ...inventory(domain(1)), synced: false, reason: 'connection refused' }),
    /^warning LIBVIRT_UNREACHABLE libvirt: connection refused/,
  ],
  REPORT_DISCONNECTED: [
    ({ cells }) => cells.registrations.set(new Map()),
    /^warning REPORT_DISCONNECTED director: no director has been heard of yet/,
  ],
  ...Object.fromEntries(
    REFUSAL_CODES.map(code => [
      code,
      [
        ({ cells }: Scene) => cells.registrations.set(new Map([[DIRECTOR, { state: 'refused', reason: 'why', code }]])),
        new RegExp(`^error ${code} director: why`),
      ] as const,
    ]),
  ),
  VM_UNREADABLE: [
    ({ inputs }) =>
      inputs.inventory.set({
        ...inventory(domain(1)),
        unreadable: [{ name: 'web-2', uuid: uuid(2), reason: 'its XML is cut off' }],
      }),
    /^warning VM_UNREADABLE web-2: .*cannot be read: its XML is cut off; what was known of it stays in force/,
  ],
  OVERLAY_MTU: [
    ({ inputs, outcome }) => {
      inputs.tunnel.set({ name: 'uplink0', problem: undefined, detail: 'vxlan', mtu: 1450 })
      const attached = { attachment: { port: 'vnet1' }, vm: { name: 'web-1' } }
      outcome({ realServers: [attached as unknown as Outcome['realServers'][number]] })
    },
    /^warning OVERLAY_MTU web-1: its port vnet1 has an MTU of 1500, and 1450 fit/,
  ],
  ...Object.fromEntries(
    (['VM_NOT_ALLOWED', 'SERVICE_AMBIGUOUS', 'REAL_SERVER_DUPLICATE', 'INGRESS_PORTS_EXHAUSTED'] as const).map(code => [
      code,
      [
        ({ outcome }: Scene) =>
          outcome({ realServerProblems: [{ severity: 'error', code, subject: 'web', message: 'why' }] }),
        new RegExp(`^error ${code} web: why`),
      ] as const,
    ]),
  ),
  VIP_CLAIMED: [
    ({ outcome }) =>
      outcome({
        vipClaims: [
          { vm: 'web-1', vip: '10.10.1.100', guarded: true },
          { vm: 'web-2', vip: '10.10.1.101', guarded: false },
        ],
      }),
    /^warning VIP_CLAIMED web-2: VM web-2 says that VIP 10\.10\.1\.101 is its own address: .* not guarded here/,
  ],
  REAL_SERVER: [
    ({ cells }) => cells.reports.set({ list: [reported('web-1', { state: 'pending' })], changed: [], gone: [] }),
    /^warning REAL_SERVER web\/web-1:8080: it is pending/,
  ],
}

test('an agent of which everything is in force has no problems', t => {
  t.deepEqual(scene().problems(), [])
})

test('every condition has its case', t => {
  const codes = new Set<string>(AGENT_CONDITIONS.map(({ code }) => code))
  t.deepEqual(
    [...codes].filter(code => !(code in CASES)),
    [],
  )
})

for (const [code, [change, words]] of Object.entries(CASES))
  test(`${code} is told`, t => {
    const found = scene()
    change(found)
    t.true(
      found.problems().some(problem => words.test(problem)),
      found.problems().join('\n'),
    )
  })

test('a real server that serves while clients send and nothing comes back is told', t => {
  const { cells, problems } = scene()
  const reason = 'tcp check of 10.10.1.100:8080: clients send and nothing comes back'
  cells.reports.set({ list: [reported('web-1', { reason })], changed: [], gone: [] })
  t.deepEqual(problems(), [`warning REAL_SERVER web/web-1:8080: ${reason}`])
})

test('a real server whose number cannot be written down is told', t => {
  const { outcome, problems } = scene()
  outcome({ realServerProblems: [{ severity: 'error', code: 'STORE_FAILED', subject: 'web', message: 'it waits' }] })
  t.deepEqual(problems(), ['error STORE_FAILED web: it waits'])
})

test('what waits behind the gate is told, also when something was applied before', t => {
  const { loop, problems } = scene()
  loop.waitingFor = 'the service files'
  t.deepEqual(problems(), ['warning NOT_IN_SYNC agent: changes are not applied: waiting for the service files'])
})

test('an uplink that Open vSwitch could not open is told with what it said', t => {
  const { inputs, problems } = scene()
  const error = 'could not open network device uplink0 (No such device)'
  inputs.ports.set(ports(port(9, { name: 'uplink0', ofport: undefined, error })))
  t.deepEqual(problems(), [`error UPLINK_MISSING uplink0: bridge br0 cannot use its port uplink0: ${error}`])
  inputs.ports.set(ports(port(9, { name: 'eth0', bond: 'uplink0' })))
  t.deepEqual(problems(), [], 'a bond')
})

test('what SQLite says is told of the state file', t => {
  const { loop, problems } = scene()
  loop.lastError = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
  t.regex(problems().join(), /^error STORE_FAILED state file: what a restart needs is not saved.*disk is full$/)
})
