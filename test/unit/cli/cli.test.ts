import { join } from 'node:path'
import test from 'ava'
import { CrossportError } from '../../../shared/errors.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { serveControl } from '../../../shared/rpc/control.ts'
import type { Status } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { tempDir } from '../cleanup.ts'
import { crossport, daemon, run } from './crossport.ts'

// One after the other, because a daemon has only five seconds to answer.
const HEALTHY: Status = {
  role: 'agent',
  id: 'rs1',
  version: '0.1.0',
  startedAt: '2026-01-02T03:04:05Z',
  inputs: [
    { name: 'files', state: 'in sync', detail: '', since: '' },
    { name: 'director', state: 'registered', detail: '172.24.1.100:7473', since: '' },
  ],
  services: [
    {
      service: 'web',
      vip: '10.10.1.100',
      protocol: 'tcp',
      port: 80,
      scheduler: 'wlc',
      source: '/etc/crossport/services.d/web.yaml:1',
      realServers: [
        { vm: 'web-10', host: 'rs1', rsPort: 8080, ingressPort: 40000, weight: 1, state: 'ready' },
        { vm: 'web-2', host: 'rs1', rsPort: 8080, ingressPort: 8080, weight: 0, state: 'draining', reason: 'weight 0' },
      ],
    },
  ],
  problems: [],
  switch: { bridge: 'br0', desiredFlows: 12, installedFlows: 12, lastCommitAt: '2026-01-02T03:04:06Z' },
}

const BROKEN: Status = {
  ...HEALTHY,
  problems: [
    {
      severity: 'error',
      code: 'SPEC_INVALID',
      subject: '/etc/crossport/services.d/db.yaml:3:7',
      message: 'port: must be at most 65535, not 99999',
    },
  ],
}

test.serial('status: everything in force is exit 0, aligned and in natural order', async t => {
  const { stdout, exitCode } = await run('status', '--socket', await daemon(t, HEALTHY))
  t.is(exitCode, 0)
  t.is(
    stdout,
    `agent rs1, crossport 0.1.0, since 2026-01-02T03:04:05Z
bridge br0: 12 of 12 flows installed, last commit 2026-01-02T03:04:06Z
director: registered (172.24.1.100:7473)
files: in sync

SERVICE  VIP                 SCHEDULER  SOURCE                                VM      HOST  PORT             WEIGHT  STATE     REASON
web      10.10.1.100:80/tcp  wlc        /etc/crossport/services.d/web.yaml:1  web-2   rs1   8080             0       draining  weight 0
                                                                              web-10  rs1   8080 (by 40000)  1       ready     -

everything is in force
`,
  )
})

test.serial('status: what is not in force is exit 1, with file, line and reason', async t => {
  const { stdout, exitCode } = await crossport('status', '--socket', await daemon(t, BROKEN))
  t.is(exitCode, 1)
  t.regex(stdout, /not in force:\n.*\nerror +\/etc\/crossport\/services\.d\/db\.yaml:3:7 +SPEC_INVALID +port: must be/)
})

test.serial('status: a note is told, and does not keep all from being in force', async t => {
  const note = { severity: 'note', code: 'PLAINTEXT', subject: 'connection', message: 'it is in the clear' }
  const { stdout, exitCode } = await run('status', '--socket', await daemon(t, { ...HEALTHY, problems: [note] }))
  t.is(exitCode, 0)
  t.true(stdout.endsWith('everything is in force\nnote: it is in the clear (PLAINTEXT)\n'))
  const broken = { ...BROKEN, problems: [...(BROKEN.problems as object[]), note] }
  t.is((await crossport('status', '--socket', await daemon(t, broken))).exitCode, 1)
})

test.serial('status: a director says how many of the new connections were accepted', async t => {
  const counts = { seconds: 1, opened: 5, accepted: 5, refused: 0, unanswered: 0 }
  const rs = { host: 'rs1', rsPort: 8080, ingressPort: 8080, weight: 1, state: 'ready' }
  const realServers = [
    { ...rs, vm: 'web-1', acceptance: { state: 'accepting', ...counts } },
    {
      ...rs,
      vm: 'web-2',
      acceptance: { state: 'out', ...counts, accepted: 0, refused: 4, unanswered: 9 },
      reason: 'why',
    },
    { ...rs, vm: 'web-3' },
  ]
  const services = [{ ...HEALTHY.services![0]!, realServers }]
  const { stdout } = await crossport('status', '--socket', await daemon(t, { ...HEALTHY, role: 'director', services }))
  const cells = stdout.split('\n').flatMap(line => (/web-\d|STATE/.test(line) ? [line.split(/ {2,}/).slice(-3)] : []))
  t.deepEqual(cells, [
    ['STATE', 'ACCEPTED', 'REASON'],
    ['ready', '5 of 5', '-'],
    ['ready', '0 of 5, 4 refused', 'why'],
    ['ready', '-', '-'],
  ])
})

test.serial('status: a real server or an input that is down is exit 1', async t => {
  const services = [
    { ...HEALTHY.services![0]!, realServers: [{ vm: 'a', state: 'pending', reason: 'no guest agent' }] },
  ]
  const problem = (code: string) => ({ severity: 'warning', code, subject: 'a', message: 'why' })
  const pending = { ...HEALTHY, services, problems: [problem('REAL_SERVER')] }
  t.is((await crossport('status', '--socket', await daemon(t, pending))).exitCode, 1)
  const inputs = [{ name: 'director', state: 'disconnected', detail: 'connection refused' }]
  const away = { ...HEALTHY, inputs, problems: [problem('REPORT_DISCONNECTED')] }
  const { exitCode, stdout } = await crossport('status', '--socket', await daemon(t, away))
  t.is(exitCode, 1)
  t.regex(stdout, /director: disconnected \(connection refused\)/)
})

test.serial('status --json: one object a daemon, one a line', async t => {
  const [first, second] = [await daemon(t, HEALTHY), await daemon(t, BROKEN)]
  const { stdout, exitCode } = await crossport('status', '--json', '-s', first, '-s', second)
  t.is(exitCode, 1)
  const statuses = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Status)
  t.is(statuses.length, 2)
  t.true(statuses.some(status => status.problems?.[0]?.code === 'SPEC_INVALID'))
})

test.serial('status: nobody answers is exit 2 and one clear sentence', async t => {
  const { stderr, exitCode } = await crossport('status', '--socket', join(tempDir(t), 'none.sock'))
  t.is(exitCode, 2)
  t.regex(stderr, /^no daemon answers on \/.*none\.sock \(is the service running\?.*\)\n$/)
})

test.serial('status --watch: once more after every change, and exit 2 when the daemon goes', async t => {
  const socket = join(tempDir(t), 'agent.sock')
  let status = HEALTHY
  let changed = () => {}
  const server = await serveControl({
    socket,
    log: quiet,
    control: {
      getStatus: () => status,
      onChange: fn => {
        changed = fn
        return () => {}
      },
      resync: async () => ({}),
      teardown: async () => ({}),
    },
  })
  t.teardown(() => server.close())
  const child = run('status', '--watch', '--json', '--socket', socket)
  let lines = 0
  for await (const line of child) {
    lines++
    if (lines === 1) {
      t.is(JSON.parse(String(line)).problems.length, 0)
      status = BROKEN
      changed()
    } else {
      t.is(JSON.parse(String(line)).problems.length, 1)
      await server.close()
    }
  }
  t.is(lines, 2)
  t.is((await child).exitCode, 2)
})

test.serial('what a guest or a file said cannot steer the terminal', async t => {
  const services = [{ ...HEALTHY.services![0]!, realServers: [{ vm: 'a\x1b[2J', state: 'ready' }] }]
  const { stdout } = await crossport('status', '--socket', await daemon(t, { ...HEALTHY, services }))
  t.false(stdout.includes('\x1b'))
})

test.serial('resync and teardown say what they did; teardown asks', async t => {
  const socket = await daemon(t, HEALTHY)
  t.regex((await crossport('resync', '-s', socket)).stdout, /: 1 flows added, 2 changed, 3 deleted\n$/)
  const asked = await run('teardown', '-s', socket)
  t.deepEqual([asked.exitCode, asked.stderr], [1, 'nothing was removed\n'])
  t.regex((await crossport('teardown', '--yes', '-s', socket)).stdout, /: 12 flows and 2 VIPs removed\n$/)
})

test.serial('a teardown names what is left, and what will become of it', async t => {
  const left = { flowsDeleted: 12, vipsRemoved: 2, vipsLeft: 1 }
  const socket = await daemon(t, HEALTHY, { teardown: async () => left })
  const { exitCode, stdout, stderr } = await crossport('teardown', '--yes', '-s', socket)
  t.is(exitCode, 1)
  t.regex(stdout, /: 12 flows and 2 VIPs removed\n$/)
  t.regex(stderr, /: 1 VIPs are in guests that do not answer; each goes when its guest does/)
})

test.serial('a teardown that is interrupted says what will happen, and the daemon hears of it', async t => {
  const gone = Promise.withResolvers<unknown>()
  const socket = await daemon(t, HEALTHY, {
    teardown: (waitingFor, signal) =>
      new Promise((_, reject) => {
        waitingFor('the switch: connection refused')
        signal.addEventListener('abort', () => {
          gone.resolve(signal.reason)
          reject(signal.reason)
        })
      }),
  })
  const child = run('teardown', '--yes', '-s', socket)
  child.stderr?.once('data', () => child.kill('SIGINT'))
  const { exitCode, stderr } = await child
  t.is(exitCode, 1)
  t.regex(stderr, /: waiting for the switch: connection refused \(interrupt to give up\)\n/)
  t.regex(stderr, /: interrupted; the daemon forgets the teardown, and puts back what it had taken out\n$/)
  await gone.promise
})

test.serial('a daemon that refuses says why', async t => {
  const socket = await daemon(t, HEALTHY, {
    resync: () => Promise.reject(new CrossportError('CONFIG_INVALID', 'the switch is away')),
  })
  const { stderr, exitCode } = await crossport('resync', '-s', socket)
  t.deepEqual([exitCode, stderr], [1, 'the switch is away\n'])
})

test.serial('a mistyped command is told, with exit 64', async t => {
  const { exitCode, stderr } = await run('statsu')
  t.is(exitCode, 64)
  t.regex(stderr, /Did you mean status\?/)
})

test.serial(
  'connections: what was counted in part says so, and what the list lacks goes to standard error',
  async t => {
    const row = { service: 'web', protocol: 'tcp', client: '10.10.1.10:40000', vip: '10.10.1.100:80', state: 'active' }
    const socket = join(tempDir(t), 'director.sock')
    const control = {
      getStatus: () => HEALTHY,
      onChange: () => () => {},
      resync: async () => ({}),
      teardown: async () => ({}),
      async *connections() {
        yield { note: 'some are missing' }
        yield { connections: [{ ...row, tcpState: 'ESTABLISHED', age: 5, packets: 4, bytes: 316 }] }
        yield { connections: [{ ...row, age: 9, packets: 2, bytes: 104, atLeast: true }, row] }
      },
    }
    const server = await serveControl({ socket, control, log: quiet })
    t.teardown(() => server.close())
    const { stdout, stderr } = await crossport('connections', '--socket', socket)
    t.is(stderr, 'some are missing\n')
    const ends = stdout.split('\n').map(line => line.split(/ +/).slice(-3).join(' '))
    t.deepEqual(ends, ['AGE PACKETS BYTES', '5s 4 316', '≥9s ≥2 ≥104', '- - -', ''])
    const states = stdout.split('\n').map(line => line.split(/ +/).slice(6, 8).join(' '))
    t.deepEqual(states, ['SERVER STATE', 'active ESTABLISHED', 'active -', 'active -', ''])
  },
)
