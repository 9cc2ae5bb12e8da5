import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ExecutionContext } from 'ava'
import { execa } from 'execa'
import { tempDir } from '../temp-dir.ts'

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

/** A real ovsdb-server and ovs-vswitchd (userspace datapath) with one bridge, in a directory and a network namespace of their own. */
export interface Ovs {
  readonly rundir: string
  readonly bridge: string
  vsctl(...args: string[]): Promise<string>
  /** `ovs-ofctl -O OpenFlow15 COMMAND unix:<bridge>.mgmt …`, as a stranger would. */
  ofctl(command: string, ...args: string[]): Promise<string>
  appctl(...args: string[]): Promise<string>
  stopVswitchd(): Promise<void>
  startVswitchd(): Promise<void>
}

/** Stopped, and its directory removed, when the test ends, however it ends. */
export async function startOvs(t: ExecutionContext, bridge = 'br0'): Promise<Ovs> {
  const rundir = tempDir(t)
  const env = { OVS_RUNDIR: rundir, OVS_LOGDIR: rundir, OVS_DBDIR: rundir }
  const db = `unix:${rundir}/db.sock`
  const running: ChildProcess[] = []
  let vswitchd: ChildProcess | undefined
  t.teardown(() => Promise.all(running.toReversed().map(end)))

  // setpriv: the daemons do not outlive the test's process, even when that is killed.
  const daemon = (...command: string[]) => {
    const child = spawn('unshare', ['--net', 'setpriv', '--pdeathsig', 'KILL', ...command], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
    running.push(child)
    return child
  }
  const run = async (file: string, ...args: string[]) => (await execa(file, args, { env })).stdout

  const ovs: Ovs = {
    rundir,
    bridge,
    vsctl: (...args) => run('ovs-vsctl', `--db=${db}`, '--timeout=20', ...args),
    ofctl: (command, ...args) =>
      run('ovs-ofctl', '-O', 'OpenFlow15', '--timeout=20', command, `unix:${rundir}/${bridge}.mgmt`, ...args),
    appctl: (...args) => run('ovs-appctl', '-t', `${rundir}/vswitchd.ctl`, '--timeout=20', ...args),
    stopVswitchd: async () => {
      if (vswitchd !== undefined) await end(vswitchd)
      // A killed daemon leaves its sockets behind, as after a crash; the next one replaces them.
    },
    startVswitchd: async () => {
      vswitchd = daemon('ovs-vswitchd', db, '--disable-system', '--no-chdir', `--unixctl=${rundir}/vswitchd.ctl`)
      // Waits until vswitchd has taken over the whole of the database's configuration.
      await ovs.vsctl('--', 'init')
      await run('ovs-vsctl', `--db=${db}`, '--timeout=20', 'set', 'open', '.', `other_config:start=${Date.now()}`)
    },
  }

  await run('ovsdb-tool', 'create', `${rundir}/conf.db`, SCHEMA)
  daemon('ovsdb-server', `${rundir}/conf.db`, `--remote=p${db}`, '--no-chdir', `--unixctl=${rundir}/ovsdb.ctl`)
  await ovs.vsctl('--retry', '--no-wait', 'init')
  await ovs.startVswitchd()
  await ovs.vsctl(
    ...['add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev', 'fail_mode=secure'],
    'protocols=OpenFlow10,OpenFlow13,OpenFlow15',
  )
  return ovs
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
