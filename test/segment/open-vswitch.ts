import type { ChildProcess } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { execa } from 'execa'
import { DATAPATH } from '../lab/datapath.ts'
import { type Cleanup, end, startChild, tempDir } from './cleanup.ts'
import type { Namespace } from './segment.ts'

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

/** A real ovsdb-server and ovs-vswitchd with one bridge, of the datapath that lab/datapath.ts names. */
export interface OpenVswitch {
  readonly rundir: string
  readonly bridge: string
  vsctl(...args: string[]): Promise<string>
  /** Runs `ovs-ofctl -O OpenFlow15 …` on the bridge, as another controller; options may precede the command. */
  ofctl(args: readonly string[], input?: string): Promise<string>
  appctl(...args: string[]): Promise<string>
  /** CPU time of ovs-vswitchd, microseconds. */
  cpu(): Promise<number>
  /** Kills it. Its sockets stay, as after a crash; the next process replaces them. */
  stopVswitchd(): Promise<void>
  startVswitchd(): Promise<void>
}

export interface OpenVswitchOptions {
  readonly bridge?: string
  /** Hardware address of the bridge. */
  readonly mac?: string
  /** Default: a network namespace of its own. */
  readonly namespace?: Namespace
  /** Default: one of its own. */
  readonly dir?: string
}

export async function startOpenVswitch(cleanup: Cleanup, options: OpenVswitchOptions = {}): Promise<OpenVswitch> {
  await access(SCHEMA).catch(() => {
    throw new Error('Open vSwitch is not installed: apt-get install openvswitch-switch')
  })
  const { bridge = 'br0', dir: rundir = tempDir(cleanup) } = options
  const env = { OVS_RUNDIR: rundir, OVS_LOGDIR: rundir, OVS_DBDIR: rundir }
  const db = `unix:${rundir}/db.sock`
  const daemon = (name: string, ...args: string[]) => {
    const command = [name, ...args, '--no-chdir', `--pidfile=${rundir}/${name}.pid`]
    return options.namespace?.start(command, { env }) ?? startChild(cleanup, ['unshare', '--net', ...command], { env })
  }
  const run = async (file: string, args: readonly string[], input = '') =>
    (await execa(file, args, { env, input })).stdout
  let vswitchd: ChildProcess | undefined
  const ovs: OpenVswitch = {
    rundir,
    bridge,
    vsctl: (...args) => run('ovs-vsctl', [`--db=${db}`, '--timeout=60', ...args]),
    ofctl: ([...args], input) => {
      const command = args.findIndex(arg => !arg.startsWith('-'))
      args.splice(command + 1, 0, `unix:${rundir}/${bridge}.mgmt`)
      return run('ovs-ofctl', ['-O', 'OpenFlow15', ...args], input)
    },
    appctl: (...args) => run('ovs-appctl', ['-t', `${rundir}/ovs-vswitchd.${vswitchd?.pid}.ctl`, ...args]),
    cpu: () => cpuOf(vswitchd!.pid!),
    stopVswitchd: () => end(vswitchd!),
    startVswitchd: async () => {
      vswitchd = daemon('ovs-vswitchd', db, ...(DATAPATH === 'netdev' ? ['--disable-system'] : []))
      // Waits until vswitchd has taken over the whole configuration in the database.
      await ovs.vsctl('set', 'open', '.', `other_config:start=${Date.now()}`)
    },
  }
  await run('ovsdb-tool', ['create', `${rundir}/conf.db`, SCHEMA])
  daemon('ovsdb-server', `${rundir}/conf.db`, `--remote=p${db}`)
  await ovs.vsctl('--retry', '--no-wait', 'init')
  await ovs.startVswitchd()
  await ovs.vsctl(
    ...['add-br', bridge, '--', 'set', 'bridge', bridge, `datapath_type=${DATAPATH}`, 'fail_mode=secure'],
    'protocols=OpenFlow10,OpenFlow13,OpenFlow15',
    ...(options.mac === undefined ? [] : [`other_config:hwaddr="${options.mac}"`]),
  )
  return ovs
}

/** CPU time of a process, user and system, in microseconds (proc(5); USER_HZ is 100). */
export async function cpuOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
