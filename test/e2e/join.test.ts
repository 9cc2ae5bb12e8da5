import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { CONTROL_SOCKETS, startDaemon, writeConfig } from '../lab/daemons.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { root } from '../lab/paths.ts'
import type { LabProcess, Place } from '../lab/place.ts'
import { type StatusWatch, watchStatus } from '../lab/status.ts'
import { SERVICES, service } from './fixture.ts'

// The README's first steps, as they stand there, and what a stranger may try on the ports that they open. rs1 and rs2 are hosts
// of the fleet; rs3 is a stranger's.
const DIRECTOR = '172.24.1.100'
const PKI = '/etc/crossport/pki'
const AGENT = { bridge: 'br0', uplink: 'uplink0' } as const
const BOTH = { bridge: 'br0', uplink: 'uplink0', leaseMs: 120_000 } as const
const program = (name: string) => [process.execPath, path.join(root, 'test/e2e/programs', `${name}.ts`)]
const readme = readFileSync(path.join(root, 'README.md'), 'utf8')

let lab: Lab
const daemons = new Map<string, { readonly process: LabProcess; readonly status: StatusWatch }>()
const statusOf = (name: string) => daemons.get(name)!.status

test.before(async () => {
  const vms = [0, 1].map(host => ({ name: `web-${host + 1}`, host, kind: 'space' as const }))
  lab = await createLab({ hosts: 3, vms })
  await lab.waitForVms()
})

test.after.always(async () => {
  for (const { status } of daemons.values()) status.close()
  await lab?.down()
})

/** The commands of the README's block with this info string. */
function commands(where: string): readonly string[] {
  const block = new RegExp(`^ *\`\`\`sh ${where}\\n([\\s\\S]*?)^ *\`\`\`$`, 'm').exec(readme)?.[1] ?? ''
  return block.split('\n').flatMap(line => (line.trim() === '' ? [] : [line.trim()]))
}

async function start(place: Place, role: 'agent' | 'director'): Promise<void> {
  daemons.get(place.name)?.status.close()
  const process = await startDaemon(place, role)
  daemons.set(place.name, { process, status: watchStatus(place.path(CONTROL_SOCKETS[role])) })
}

async function stop(name: string): Promise<void> {
  const { process, status } = daemons.get(name)!
  status.close()
  process.kill('SIGTERM')
  await process.exited
}

/** Runs a command as an operator types it. */
async function type(place: Place, line: string) {
  const PATH = `${path.join(root, 'cli')}:/usr/sbin:/usr/bin:/sbin:/bin`
  return place.exec(['sh', '-c', line], { check: false, env: { PATH } })
}

/** What a block of the README does; systemctl is played by the lab. Resolves with what the last command has printed. */
async function follow(place: Place, where: string, words: Readonly<Record<string, string>> = {}): Promise<string> {
  let printed = ''
  for (const command of commands(where)) {
    const line = command.replaceAll(/\b(DIRECTOR|TOKEN)\b/g, word => words[word] ?? word)
    const unit = /^systemctl enable --now crossport-(agent|director)$/.exec(line)?.[1]
    if (unit !== undefined) {
      await start(place, unit as 'agent' | 'director')
      continue
    }
    const { exitCode, stdout, stderr } = await type(place, line)
    if (exitCode !== 0) throw new Error(`${place.name}: ${line}: ${stderr}`)
    printed = stdout
  }
  return printed
}

const token = async (options = '') => (await type(lab.director, `crossport-director token ${options}`)).stdout.trim()
const ready = (count: number) =>
  statusOf('director').until(`${count} real servers`, ({ services }) => {
    const [web] = services
    return web?.realServers.filter(({ state }) => state === 'ready').length === count
  })
const connected = (name: string) =>
  statusOf('director').until(`${name} is connected`, ({ hosts }) =>
    hosts.some(({ hostId, state }) => hostId === name && state === 'connected'),
  )

test.serial("the README's first steps: two hosts are in, and a dropped file is served", async t => {
  t.true(commands('director').length >= 3 && commands('host').length >= 2)
  await writeConfig(lab.director, 'director', BOTH)
  const first = await follow(lab.director, 'director')
  const tokens = [first.trim(), await token()]
  await Promise.all(
    ['rs1', 'rs2'].map(async (name, n) => {
      await writeConfig(lab.host(name), 'agent', AGENT)
      await follow(lab.host(name), 'host', { DIRECTOR, TOKEN: tokens[n]! })
      await connected(name)
    }),
  )
  await lab.director.writeFile(`${SERVICES}/web.yaml`, service())
  await ready(2)
  const { exitCode, stdout } = await type(lab.director, 'crossport status')
  t.is(exitCode, 0, stdout)
  const files = ['ca.key', 'director.pem'].map(name => `${PKI}/${name}`)
  t.deepEqual((await type(lab.director, `stat -c %a ${files.join(' ')}`)).stdout.split('\n'), ['600', '600'])
  t.false(existsSync(lab.host('rs1').path(`${PKI}/ca.key`)))
  t.regex(
    await lab.host('rs1').readFile('/etc/crossport/agent.yaml'),
    /^bridge: "br0"\nuplink: "uplink0"\ndirector: 172/,
  )
})

test.serial(
  'tokens that are wrong, used, ended or for another, and a host id that is taken: nothing is written',
  async t => {
    const stranger = lab.host('rs3')
    const used = await token('--host spare')
    await stranger.writeFile('/run/spare.yaml', 'pki: /run/spare\n')
    const spare = await type(
      stranger,
      `crossport-agent join ${DIRECTOR} ${used} --host-id spare --config /run/spare.yaml`,
    )
    t.is(spare.exitCode, 0, spare.stderr)
    const refusals: readonly [string, string, RegExp][] = [
      ['wrong', used.replace(/^cp1\..{4}/, 'cp1.aaaa'), /this token is not known here/],
      ['of another fleet', used.replace(/.{4}$/, 'aaaa'), /its CA has another fingerprint\. Nothing was sent/],
      ['used', used, /this token was used by spare at/],
      ['no token', 'aaaa', /this is no join token/],
      ['for another', await token('--host rs9'), /this token is for rs9, and not for rs1/],
      ['for a host id that is taken', await token(), /host id rs1 is taken: its certificate is valid until/],
    ]
    const ended = await token('--ttl 1s')
    for (const [what, text, reason] of refusals) {
      const { exitCode, stderr } = await type(stranger, `crossport-agent join ${DIRECTOR} ${text} --host-id rs1`)
      t.is(exitCode, 1, what)
      t.regex(stderr, reason)
      t.regex(stderr, /\(JOIN_REFUSED\)/)
    }
    const late = await type(stranger, `sleep 1; crossport-agent join ${DIRECTOR} ${ended} --host-id rs8`)
    t.regex(late.stderr, /this token has ended at/)
    t.deepEqual(readdirSync(stranger.path('/etc/crossport')), ['services.d'])
    const twice = await type(lab.host('rs1'), `crossport-agent join ${DIRECTOR} ${await token()}`)
    t.regex(twice.stderr, /host id rs1 is taken/)
    const other = await type(lab.host('rs1'), `crossport-agent join ${DIRECTOR} ${await token()} --host-id rs9`)
    t.regex(other.stderr, /this machine has joined as rs1/)
  },
)

test.serial(
  'a stranger at the port for agents: in the clear, TLS 1.2, no certificate, another CA, another name',
  async t => {
    const stranger = lab.host('rs3')
    const dial = async (place: Place, ...args: string[]) => {
      const { stdout } = await place.exec([...program('register'), `${DIRECTOR}:7473`, ...args])
      return stdout
    }
    t.regex(await dial(stranger, 'rs1'), /^disconnected/)
    const hello = (how: string) =>
      type(stranger, `openssl s_client -connect ${DIRECTOR}:7473 -alpn h2 ${how} </dev/null 2>&1; true`)
    t.regex((await hello('-tls1_2')).stdout, /alert protocol version/)
    t.regex((await hello('-tls1_3 -ign_eof')).stdout, /alert certificate required/)
    await type(stranger, 'crossport-director init')
    const own = [`${PKI}/ca.crt`, `${PKI}/director.pem`]
    t.regex(await dial(stranger, 'rs1', ...own), /^disconnected: .*certificate/)
    const rs2 = [`${PKI}/ca.crt`, `${PKI}/agent.pem`]
    t.regex(
      await dial(lab.host('rs2'), 'rs7', ...rs2),
      /^refused: .*registers as host "rs7" with the certificate of "rs2"/,
    )
    const director = [`${PKI}/ca.crt`, `${PKI}/director.pem`]
    t.regex(await dial(lab.director, 'rs1', ...director), /^refused: .*has the certificate of director director/)
    t.deepEqual(
      statusOf('director').latest?.hosts.map(({ hostId }) => hostId),
      ['rs1', 'rs2'],
    )
  },
)

test.serial("a director with a host's certificate, or one of another CA, is not believed", async t => {
  const fakes: readonly [string, string, RegExp][] = [
    ['rs2', 'agent.pem', /certificate purpose|no director of this host/],
    ['rs3', 'director.pem', /self-signed certificate|unable to (get|verify)/],
  ]
  for (const [name, pair, reason] of fakes) {
    const place = lab.host(name)
    const fake = await place.spawn([...program('fake-director'), '7479', `${PKI}/ca.crt`, `${PKI}/${pair}`], {
      name: 'fake-director',
    })
    await fake.waitForLine(/^listening/)
    const address = lab.plan.hosts.find(host => host.name === name)?.ip
    const dialled = await lab
      .host('rs1')
      .exec([...program('register'), `${address}:7479`, 'rs1', `${PKI}/ca.crt`, `${PKI}/agent.pem`])
    t.regex(dialled.stdout, reason, name)
    t.notRegex(readFileSync(fake.log, 'utf8'), /registered/)
    fake.kill()
    await fake.exited
  }
})

test.serial(
  'a host that is revoked is out at once, also after a restart of the director, until it joins anew',
  async t => {
    const { stdout } = await type(lab.director, 'crossport-director revoke rs2')
    t.regex(stdout, /host rs2 is revoked[\s\S]*its real servers have left scheduling/)
    await ready(1)
    t.deepEqual(
      statusOf('director').latest?.hosts.map(({ hostId }) => hostId),
      ['rs1'],
    )
    const refused = () =>
      statusOf('rs2').until('it is refused', ({ problems }) =>
        problems.some(({ code, message }) => code === 'IDENTITY_REFUSED' && message.includes('was revoked at')),
      )
    await refused()
    await stop('director')
    await start(lab.director, 'director')
    await connected('rs1')
    await ready(1)
    await refused()
    const { stderr, exitCode } = await type(lab.host('rs2'), `crossport-agent join ${DIRECTOR} ${await token()}`)
    t.is(exitCode, 0, stderr)
    await connected('rs2')
    await ready(2)
  },
)

test.serial('certificates renew themselves on both sides, and nothing is restarted', async t => {
  await stop('director')
  await writeConfig(lab.director, 'director', { ...BOTH, certificateLifetime: '12s' })
  await lab.director.exec(['rm', `${PKI}/director.pem`])
  await follow(lab.director, 'director')
  await type(lab.director, 'crossport-director revoke rs2')
  await type(lab.host('rs2'), `crossport-agent join ${DIRECTOR} ${await token()}`)
  await connected('rs2')
  const files = [lab.director.path(`${PKI}/director.pem`), lab.host('rs2').path(`${PKI}/agent.pem`)]
  const before = files.map(file => readFileSync(file, 'utf8'))
  const begun = performance.now()
  // Longer than any of these certificates lives.
  while (performance.now() - begun < 15_000) await new Promise(resolve => setTimeout(resolve, 500))
  t.true(files.every((file, n) => readFileSync(file, 'utf8') !== before[n]))
  await connected('rs2')
  await ready(2)
  for (const name of ['director', 'rs2']) {
    const status = await statusOf(name).until('no certificate ends', ({ problems }) => problems.length === 0)
    t.deepEqual(status.problems, [])
  }
})
