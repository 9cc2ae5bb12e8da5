import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

/** A private Open vSwitch, userspace datapath, in a directory and a network namespace of its own. */
export interface BenchSwitch {
  readonly rundir: string
  vsctl(...args: string[]): Promise<string>
  /** `ovs-ofctl -O OpenFlow15 …` on the bridge br0; `--bundle` and other options may precede the command. */
  ofctl(args: readonly string[], input?: string): Promise<string>
}

/** Has the one bridge br0, without any flow. `cleanup` ends it. */
export async function startSwitch(cleanup: AsyncDisposableStack): Promise<BenchSwitch> {
  await access(SCHEMA).catch(() => {
    throw new Error('Open vSwitch is not installed: apt-get install openvswitch-switch')
  })
  const rundir = await mkdtemp(join(tmpdir(), 'crossport-bench-'))
  cleanup.defer(() => rm(rundir, { recursive: true, force: true }))
  const env = { OVS_RUNDIR: rundir, OVS_LOGDIR: rundir, OVS_DBDIR: rundir }
  const db = `unix:${rundir}/db.sock`

  const daemon = (...command: string[]) => {
    // Killed by the kernel when this process dies without cleaning up.
    const child = spawn('unshare', ['--net', 'setpriv', '--pdeathsig', 'KILL', ...command], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
    cleanup.defer(() => end(child))
  }
  const run = async (file: string, args: readonly string[], input?: string) =>
    (await execa(file, args, { env, ...(input === undefined ? {} : { input }) })).stdout
  const vsctl = (...args: string[]) => run('ovs-vsctl', [`--db=${db}`, '--timeout=60', ...args])

  await run('ovsdb-tool', ['create', `${rundir}/conf.db`, SCHEMA])
  daemon('ovsdb-server', `${rundir}/conf.db`, `--remote=p${db}`, '--no-chdir', `--unixctl=${rundir}/ovsdb.ctl`)
  await vsctl('--retry', '--no-wait', 'init')
  daemon('ovs-vswitchd', db, '--disable-system', '--no-chdir', `--unixctl=${rundir}/vswitchd.ctl`)
  await vsctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev', 'fail_mode=secure')

  const target = `unix:${rundir}/br0.mgmt`
  const ofctl = ([...args]: readonly string[], input?: string) => {
    const command = args.findIndex(arg => !arg.startsWith('-'))
    return run(
      'ovs-ofctl',
      ['-O', 'OpenFlow15', ...args.slice(0, command + 1), target, ...args.slice(command + 1)],
      input,
    )
  }
  return { rundir, vsctl, ofctl }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
