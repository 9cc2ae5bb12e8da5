import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { execa } from 'execa'
import { groupId, READERS } from '../../../shared/rpc/rights.ts'
import { curl, type Network, networkForFile, VIP } from './network.ts'
import { directory, realServer, startAgent } from './running.ts'

// A real director process, and real users of its machine that are not root.
const prepared = networkForFile({ hosts: 1 })
const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const NOBODY = 65534
/** A group that every Debian has, and that the user below is in. */
const GROUP = { name: 'games', id: 60 }

const as = (user: number, group: number) => ['setpriv', `--reuid=${user}`, `--regid=${group}`, '--clear-groups']

function configFile(dir: string, { rundir }: Network, more: readonly string[] = []): string {
  const file = join(dir, 'director.yaml')
  const lines = [
    ...[
      'bridge: br0',
      'uplink: uplink0',
      'id: d1',
      `listen: unix:${dir}/agents.sock`,
      `servicesDir: ${dir}/services.d`,
    ],
    ...[`stateFile: ${dir}/state/director.db`, `controlSocket: ${dir}/run/director.sock`],
    ...[`ovsdbSocket: ${rundir}/db.sock`, `ovsRunDir: ${rundir}`, ...more],
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

/** Starts it as an operator might, with a shell that takes no right from what it makes. */
async function startProcess(t: ExecutionContext, { space }: Network, file: string) {
  const command = [process.execPath, root('director/main.ts'), '--config', file]
  const child = space.start(['sh', '-c', 'umask 000; exec "$@"', 'sh', ...command], { output: 'pipe' })
  t.teardown(async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  })
  let said = ''
  for (const output of [child.stdout!, child.stderr!]) output.on('data', chunk => (said += String(chunk)))
  const until = async (what: () => boolean) => {
    while (!what()) {
      if (child.exitCode !== null) throw new Error(said)
      await setImmediate()
    }
  }
  return { child, said: () => said, until }
}

/** The command as another user, who need not have the right to enter the directory that it is in. */
const crossport = (user: readonly string[], ...args: string[]) => {
  const mounted = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /mnt && exec "$@"', root('.')] as const
  return execa(mounted[0], [...mounted.slice(1), ...user, '/mnt/cli/crossport', ...args], { reject: false })
}

test.serial('what the director makes is its own from the first byte on, and what was wider is corrected', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  const file = configFile(dir, network)
  const watched = () =>
    ['state', 'run', '.'].flatMap(folder => {
      try {
        return readdirSync(join(dir, folder)).map(name => join(folder, name))
      } catch {
        return []
      }
    })
  const seen = new Map<string, Set<string>>()
  const look = () => {
    for (const name of watched()) {
      const stat = statSync(join(dir, name), { throwIfNoEntry: false })
      if (stat === undefined || !/director\.db|\.sock$|^\.?\/?(state|run)$/.test(name)) continue
      const modes = seen.get(name) ?? new Set()
      seen.set(name, modes.add((stat.mode & 0o777).toString(8)))
    }
    return seen
  }
  const started = await startProcess(t, network, file)
  await started.until(() => {
    for (let i = 0; i < 200; i++) look()
    return /started/.test(started.said())
  })
  const group = groupId(READERS)
  for (const [name, modes] of seen) {
    if (/^(state|run)$/.test(name)) continue
    const all = [...modes].map(mode => Number.parseInt(mode, 8))
    const mayBe = name === 'run/director.sock' && group !== undefined ? 0o660 : 0o700
    t.true(
      all.every(mode => (mode & ~mayBe) === 0),
      `${name} was ${[...modes].join(', ')}`,
    )
  }
  for (const name of [
    'state/director.db',
    'state/director.db-wal',
    'run/director.sock',
    'run/director-admin.sock',
    'agents.sock',
  ])
    t.true(seen.has(name), name)
  t.is(statSync(join(dir, 'state')).mode & 0o027, 0)
  if (group === undefined) t.is(started.said().match(/only root may look at the control socket/g)?.length, 1)

  started.child.kill('SIGTERM')
  await once(started.child, 'exit')
  chmodSync(join(dir, 'state/director.db'), 0o664)
  const again = await startProcess(t, network, file)
  await again.until(() => /started/.test(again.said()))
  t.is(statSync(join(dir, 'state/director.db')).mode & 0o777, 0o600)
})

test.serial(
  'who is neither root nor in the group that may is told so; a member of adminGroup changes things',
  async t => {
    const network = await prepared(t)
    const dir = await directory(t)
    const started = await startProcess(t, network, configFile(dir, network, [`adminGroup: ${GROUP.name}`]))
    await started.until(() => /started/.test(started.said()))
    for (const passable of [dir, join(dir, 'run')]) chmodSync(passable, 0o755)
    const socket = join(dir, 'run', 'director.sock')
    const admin = join(dir, 'run', 'director-admin.sock')
    t.like(statSync(admin), { uid: 0, gid: GROUP.id })
    t.is(statSync(admin).mode & 0o777, 0o660)

    const [nobody, member] = [as(NOBODY, NOBODY), as(NOBODY, GROUP.id)]
    const looked = await crossport(nobody, 'status', '--socket', socket)
    t.like(looked, { exitCode: 2, stderr: `${socket}: permission denied: be in group crossport, or run as root` })
    for (const act of [['resync'], ['teardown', '--yes'], ['connections', '--disturb']]) {
      const { exitCode, stderr } = await crossport(nobody, ...act, '--socket', socket)
      t.is(exitCode, 2)
      t.is(stderr, `${admin}: permission denied: run as root, or be in the daemon's adminGroup and in group crossport`)
    }
    const { stdout, exitCode } = await crossport(member, 'resync', '--socket', socket)
    t.is(exitCode, 0, stdout)

    // Where the directory may not be passed, it is not "no daemon runs here".
    chmodSync(join(dir, 'run'), 0o750)
    t.regex((await crossport(nobody, 'status', '--socket', socket)).stderr, /permission denied: be in group crossport/)
  },
)

/** Sends IPFIX to every UDP port on the loopback that somebody listens on, many times, from connected sockets. */
const forger = (messages: readonly string[]) => `
  const { createSocket } = require('node:dgram')
  const { readFileSync } = require('node:fs')
  const messages = ${JSON.stringify(messages)}.map(hex => Buffer.from(hex, 'hex'))
  const ports = [...readFileSync('/proc/net/udp', 'latin1').matchAll(/ 0100007F:([0-9A-F]{4}) 00000000:0000 07 /g)]
  for (const [, port] of ports) {
    const socket = createSocket('udp4')
    socket.on('error', () => {})
    socket.connect(Number.parseInt(port, 16), '127.0.0.1', () => {
      for (let i = 0; i < 200; i++) for (const message of messages) socket.send(message)
    })
  }
  if (ports.length === 0) process.exit(1)
  setTimeout(() => process.exit(0), 500)`

test.serial('records that another user forges are in no account, and none counts as lost', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  writeFileSync(
    `${dir}/services.d/web.yaml`,
    `service: web\nvip: ${VIP}\nport: 80\nrealServers: [{ vm: web-*, port: 8080 }]\n`,
  )
  const started = await startProcess(t, network, configFile(dir, network))
  await started.until(() => /started/.test(started.said()))
  startAgent(t, network, dir, 0, [realServer('web-0')])
  const socket = join(dir, 'run', 'director.sock')
  const rows = async (...args: string[]) =>
    (await crossport(['env'], ...args, '--json', '--socket', socket)).stdout
      .split('\n')
      .filter(Boolean)
      .map(row => JSON.parse(row))
  const untilCounted = async (count: number) => {
    for (;;) {
      const list = (await rows('connections')) as { packets?: number; atLeast?: boolean }[]
      if (list.filter(({ packets }) => packets !== undefined).length >= count) return list
    }
  }
  while ((await rows('status'))[0]?.services[0]?.realServers[0]?.state !== 'ready');
  await curl(network, 5)
  await untilCounted(5)

  const vectors = JSON.parse(readFileSync(root('test/unit/accounting/vswitchd.json'), 'utf8')) as Record<string, string>
  const far = Buffer.from(vectors.record!, 'hex')
  far.writeUInt32BE(0x7fffffff, 8)
  const script = forger([vectors.template!, vectors.record!, far.toString('hex')])
  const forging = network.space.start([...as(NOBODY, NOBODY), process.execPath, '-e', script], { output: 'pipe' })
  await once(forging, 'exit')
  t.is(forging.exitCode, 0)
  await started.until(() => /datagrams to the IPFIX collector were dropped/.test(started.said()))

  await curl(network, 5)
  const list = await untilCounted(10)
  t.is(list.length, 10)
  t.deepEqual(
    list.filter(({ atLeast }) => atLeast),
    [],
  )
  t.notRegex(started.said(), /lost|cannot be read/)
})
