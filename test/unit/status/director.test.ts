import test, { type ExecutionContext } from 'ava'
import { setInput } from '../../../director/cells.ts'
import type { Refused } from '../../../director/intake/refused.ts'
import { setSite } from '../../../director/parts/bridge.ts'
import { controlOf } from '../../../director/parts/control-socket.ts'
import { register as registered } from '../../../director/registry/registry.ts'
import { DIRECTOR_CONDITIONS } from '../../../director/status/conditions.ts'
import { openStore } from '../../../director/store/store.ts'
import { COMMON_CONDITIONS } from '../../../shared/status/common.ts'
import { goodFile } from '../config/good-file.ts'
import { SITE } from '../director/site.ts'
import { PEER, reported } from '../registry/fixture.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { LEASE, type Surroundings, startDirector } from '../simulation/director.ts'
import { createModelSwitch } from '../simulation/model-switch.ts'
import { certificate } from './certificate.ts'

const BRIDGE = { mac: '02:00:00:00:01:00', datapathType: 'netdev', uplink: 1, accessPorts: [] }

/** A director of which everything is in force: one service, one host with one real server. */
async function scene(t: ExecutionContext) {
  const clock = fakeClock()
  const sw = createModelSwitch('director')
  const failing: Surroundings['failing'] = new Set()
  const store = openStore(':memory:')
  const director = startDirector({ store, sw, clock, failing, table: new Map() })
  t.teardown(() => {
    director.kill()
    store.close()
  })
  const { house, agents } = director
  const { cells } = house
  const file = goodFile('web.yaml', 'service: web\nvip: 10.10.1.100\nport: 80\nrealServers: [{ vm: x, port: 8080 }]\n')
  const services = { ...file.parsed, synced: true, problems: [], files: [file] }
  cells.services.set(services)
  const connected = new Set(['rs1'])
  const refused: Refused[] = []
  cells.agents.set({
    ...{ address: '', connected, refused, setOffer: () => {}, revoked: () => {}, reloadCertificate: () => {} },
    close: async () => {},
  })
  cells.bridge.set(BRIDGE)
  for (const input of [cells.inputStates.files, cells.inputStates.ovsdb, cells.inputStates.agents])
    setInput(input, clock, 'in sync', '')
  const register = (change: Parameters<typeof reported>[1] = {}) => {
    const host = { hostId: 'rs1', hostMac: '02:00:00:00:00:20', hostIp: '172.24.1.20', version: '1' }
    const rs = reported('web-1', change)
    agents.onRegistration({ ...host, realServers: new Map([[rs.id, rs]]) }, PEER)
    return clock.advance(1000)
  }
  setSite(house, SITE)
  director.handlers.onUp()
  await register()
  const problems = () => {
    const found = [...(controlOf(house).getStatus().problems ?? [])]
    return found.map(({ code, severity, subject, message }) => `${severity} ${code} ${subject}: ${message}`)
  }
  return { ...director, cells, clock, sw, failing, services, connected, refused, register, problems }
}

type Scene = Awaited<ReturnType<typeof scene>>

const CASES: Readonly<Record<string, readonly [(scene: Scene) => unknown, RegExp]>> = {
  RPC_TLS: [
    ({ cells }) => cells.certificate.set(certificate({ unusable: 'cannot read /a.pem' })),
    /^error RPC_TLS certificate: cannot read \/a\.pem; the certificate that was read before is in use/,
  ],
  CERTIFICATE_ENDING: [
    ({ cells }) => cells.certificate.set(certificate({ ending: 'it ends', notRenewed: 'nobody answers' })),
    /^warning CERTIFICATE_ENDING certificate: it ends; not renewed: nobody answers/,
  ],
  BOOK_LOST: [
    ({ house }) => Object.assign(house, { book: { lostAt: () => Date.parse('2026-11-28T12:00:00Z') } }),
    /^warning BOOK_LOST authority\.db: there was no book.* at 2026-11-28T12.*: revocations from before are not known/,
  ],
  PLAINTEXT: [
    ({ house }) => Object.assign(house, { protection: { tls: undefined, plaintext: 'insecurePlaintext: it is open' } }),
    /^note PLAINTEXT connection: insecurePlaintext: it is open/,
  ],
  SPEC_DIRECTORY: [
    ({ cells, clock }) => setInput(cells.inputStates.files, clock, 'away', 'it cannot be read: EACCES'),
    /^warning SPEC_DIRECTORY \/etc\/crossport\/services\.d: it cannot be read/,
  ],
  OVSDB_UNREACHABLE: [
    ({ cells }) => cells.bridgeProblem.set({ missing: 'database', message: 'connection refused' }),
    /^warning OVSDB_UNREACHABLE ovsdb: connection refused/,
  ],
  SWITCH_UNREACHABLE: [
    ({ handlers }) => handlers.onDown('connection refused'),
    /^warning SWITCH_UNREACHABLE switch: connection refused/,
  ],
  BRIDGE_MISSING: [
    ({ cells }) => cells.bridgeProblem.set({ missing: 'bridge', message: 'no bridge br0' }),
    /^error BRIDGE_MISSING br0: no bridge br0/,
  ],
  UPLINK_MISSING: [
    ({ cells }) => cells.bridgeProblem.set({ missing: 'uplink', message: 'the uplink is no port' }),
    /^error UPLINK_MISSING uplink0: the uplink is no port/,
  ],
  TUNNEL_PORT: [
    ({ cells }) => {
      const keeper = { check: () => {}, remove: async () => true, resume: () => {}, close: () => {} }
      cells.tunnel.set({ ...keeper, problem: 'it has another type' })
    },
    /^error TUNNEL_PORT uplink0: it has another type/,
  ],
  FLOW_RESTORE_WAIT: [
    ({ cells }) => cells.bridge.set({ ...BRIDGE, flowRestoreWait: true }),
    /^error FLOW_RESTORE_WAIT br0: .*forwards nothing/,
  ],
  SPEC_INVALID: [
    ({ cells, services }) => {
      const problem = { file: 'web.yaml', line: 3, column: 7, reason: 'no such port', lastGood: false }
      cells.services.set({ ...services, problems: [problem] })
    },
    /^error SPEC_INVALID web\.yaml:3:7: no such port$/,
  ],
  NOT_IN_SYNC: [
    ({ handlers, clock }) => {
      handlers.onDown('connection refused')
      return clock.advance(100)
    },
    /^warning NOT_IN_SYNC director: changes are not applied: waiting for the switch: connection refused/,
  ],
  PASS_FAILED: [
    ({ failing, cells, services, clock }) => {
      failing.add('outlet')
      cells.services.set({ ...services })
      return clock.advance(100)
    },
    /^error PASS_FAILED switch: the last pass failed, and is tried again: the model fails: outlet/,
  ],
  SWITCH_REJECTED: [
    ({ house }) => Object.defineProperty(house.applier, 'quarantined', { value: [{ object: 'web', reason: 'why' }] }),
    /^error SWITCH_REJECTED web: why/,
  ],
  CONNECTION_TABLE_FULL: [
    ({ cells }) =>
      cells.tableProblems.set([
        { severity: 'warning', code: 'CONNECTION_TABLE_FULL', subject: 'connection table', message: '99 % are used' },
      ]),
    /^warning CONNECTION_TABLE_FULL connection table: 99 %/,
  ],
  TORN_DOWN: [({ cells }) => cells.tornDown.set(true), /^warning TORN_DOWN director: .*`crossport resync`/],
  RPC_LISTEN: [
    ({ cells, clock }) => setInput(cells.inputStates.agents, clock, 'away', 'starting'),
    /^error RPC_LISTEN agents: starting/,
  ],
  OFFER_TOO_LARGE: [
    ({ cells, services }) => {
      const documents = Array(65).fill({ file: 'web.yaml', line: 1, text: 'x'.repeat(1 << 20) })
      cells.services.set({ ...services, documents })
    },
    /^error OFFER_TOO_LARGE \/etc\/crossport\/services\.d: the service files have 66 MiB, and agents take 64/,
  ],
  REGISTRY_CONFLICT: [
    ({ register }) => register({ service: 'other' }),
    /^error REGISTRY_CONFLICT rs1\/web-1: host rs1 has/,
  ],
  HOST_ID_TAKEN: [
    ({ refused }) =>
      refused.push({ code: 'HOST_ID_TAKEN', hostId: 'rs1', peer: '10.0.0.1', reason: 'host id "rs1" is in use' }),
    /^error HOST_ID_TAKEN rs1: host id "rs1" is in use/,
  ],
  HOST_ADDRESS_SHARED: [
    ({ cells, connected, clock }) => {
      // As restored from a state file: a registration would be refused.
      const other = { hostId: 'rs2', hostMac: '02:00:00:00:00:20', hostIp: '172.24.1.21', version: '1' }
      const report = { ...other, realServers: new Map() }
      cells.registry.set(registered(cells.registry.get(), report, clock.now(), LEASE))
      connected.add('rs2')
      return clock.advance(1000)
    },
    /^error HOST_ADDRESS_SHARED rs1, rs2: they have one host MAC/,
  ],
  REGISTRATION_INVALID: [
    ({ refused }) =>
      refused.push({
        code: 'REGISTRATION_INVALID',
        hostId: 'rs1',
        peer: '10.0.0.1',
        reason: 'vipPort "0" is not valid',
      }),
    /^error REGISTRATION_INVALID rs1: vipPort "0" is not valid/,
  ],
  HOST_ADDRESS_TAKEN: [
    ({ refused }) =>
      refused.push({
        code: 'HOST_ADDRESS_TAKEN',
        hostId: 'rs3',
        peer: '10.0.0.1',
        reason: 'the host MAC of host "rs1"',
      }),
    /^error HOST_ADDRESS_TAKEN rs3: the host MAC of host "rs1"/,
  ],
  HOST_SERVICE_REFUSED: [
    ({ register }) => register({ service: 'other', vip: '10.20.0.1' }),
    /^error HOST_SERVICE_REFUSED rs1\/web-1: host rs1 brings service other \(tcp 10\.20\.0\.1:80\).*hostServices/,
  ],
  DOCUMENT_REFUSED: [
    ({ agents, clock }) => {
      const refusedDocuments = [
        { service: 'web', place: 'web.yaml:1', code: 'VIP_NOT_ALLOWED', reason: 'VIP is not allowed' },
      ]
      agents.onDelta('rs1', { upserted: [], removedIds: [], refusedDocuments })
      return clock.advance(1000)
    },
    /^error DOCUMENT_REFUSED web on host rs1: web\.yaml:1: VIP is not allowed/,
  ],
  HOST_LOST: [
    ({ clock, cells, services }) => {
      const later = clock.advance(LEASE)
      cells.services.set({ ...services })
      return later
    },
    /^warning HOST_LOST rs1: no message from its agent for a whole lease/,
  ],
  HOST_AWAY: [({ connected }) => connected.clear(), /^warning HOST_AWAY rs1: its agent is not connected/],
  FLOOD: [
    ({ cells }) => {
      const since = new Date('2026-01-02T03:04:05Z')
      cells.floods.set({ floods: [{ kind: 'syn', services: ['web'], since, rate: 1234 }] })
    },
    /^warning FLOOD web: a flood of SYNs that no further packet follows since 2026-01-02T03:04:05\.000Z, at last 1200 a second$/,
  ],
  SIGNALS_MISSING: [
    ({ cells }) => cells.passive.set({ ...cells.passive.get(), unheard: () => [{ hostId: 'rs1', connections: 9 }] }),
    /^warning SIGNALS_MISSING rs1: 9 new connections/,
  ],
  REAL_SERVER: [
    ({ register }) => register({ reason: 'clients send and nothing comes back' }),
    /^warning REAL_SERVER web web-1: clients send and nothing comes back/,
  ],
  NOT_ACCEPTING: [
    ({ cells }) => {
      const acceptance = { phase: 'out', unanswered: 9 } as const
      cells.passive.set({ ...cells.passive.get(), acceptanceOf: () => acceptance as never })
    },
    /^warning NOT_ACCEPTING web web-1: web-1 on host rs1/,
  ],
  PANIC: [({ register }) => register({ state: 'down', reason: 'check', panic: 50 }), /^warning PANIC web: /],
  SERVICE_EMPTY: [
    ({ register }) => register({ state: 'pending' }),
    /^warning SERVICE_EMPTY web: no real server is ready/,
  ],
}

test('a director of which everything is in force has no problems', async t => {
  const { problems } = await scene(t)
  t.deepEqual(problems(), [])
})

test('every condition has its case', t => {
  const codes = new Set<string>(DIRECTOR_CONDITIONS.map(({ code }) => code))
  t.deepEqual(
    [...codes].filter(code => !(code in CASES)),
    [],
  )
  t.true(COMMON_CONDITIONS.every(({ code }) => codes.has(code)))
})

for (const [code, [change, words]] of Object.entries(CASES))
  test(`${code} is told`, async t => {
    const found = await scene(t)
    await change(found)
    const problems = found.problems()
    t.true(
      problems.some(problem => words.test(problem)),
      problems.join('\n'),
    )
  })

test('who watches hears of a pass that fails, and of what no pass is made for', async t => {
  const { cells, failing, services, clock } = await scene(t)
  let told = 0
  cells.changed.subscribe(() => told++)
  const after = async (change: () => unknown) => {
    told = 0
    await change()
    return told
  }
  t.not(await after(() => cells.bridge.set({ ...BRIDGE, flowRestoreWait: true })), 0)
  t.not(await after(() => cells.bridgeProblem.set({ missing: 'uplink', message: 'why' })), 0)
  t.not(await after(() => cells.tornDown.set(true)), 0)
  cells.tornDown.set(false)
  failing.add('outlet')
  cells.services.set({ ...services })
  t.not(await after(() => clock.advance(10)), 0)
})
