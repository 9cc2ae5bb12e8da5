import { readFile } from 'node:fs/promises'
import { execa } from 'execa'
import { type DirectorConfig, directorConfigSchema } from '../../director/config.ts'
import type { Segment, Space } from './network.ts'

export const DIRECTOR_MAC = '02:00:00:00:01:00'

/** Open vSwitch (userspace datapath) in a space of its own, with the bridge br0 and its one port `uplink0` to the segment. */
export interface DirectorSwitch {
  readonly space: Space
  /** CPU time of ovs-vswitchd, microseconds. */
  cpu(): Promise<number>
  vsctl(...args: string[]): Promise<string>
  /** `ovs-ofctl -O OpenFlow15 …` on br0; options may precede the command. */
  ofctl(args: readonly string[], input?: string): Promise<string>
  appctl(...args: string[]): Promise<string>
}

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

export interface SwitchOptions {
  /** ovs-vswitchd.conf.db(5), table Interface, of the uplink. */
  readonly uplink?: readonly string[]
}

export async function startDirectorSwitch(
  segment: Segment,
  { uplink = [] }: SwitchOptions = {},
): Promise<DirectorSwitch> {
  const space = await segment.plug('uplink0', 50)
  await space.run('ip address flush dev uplink0')
  const { dir } = segment
  const env = { OVS_RUNDIR: dir, OVS_LOGDIR: dir, OVS_DBDIR: dir }
  const db = `unix:${dir}/db.sock`
  const run = async (file: string, args: readonly string[], input?: string) =>
    (await execa(file, args, { env, ...(input === undefined ? {} : { input }) })).stdout
  const vsctl = (...args: string[]) => run('ovs-vsctl', [`--db=${db}`, '--timeout=30', ...args])
  await run('ovsdb-tool', ['create', `${dir}/conf.db`, SCHEMA])
  space.start(['ovsdb-server', `${dir}/conf.db`, `--remote=p${db}`, '--no-chdir'], env)
  await vsctl('--retry', '--no-wait', 'init')
  space.start(['ovs-vswitchd', db, '--disable-system', '--no-chdir', `--pidfile=${dir}/ovs-vswitchd.pid`], env)
  const bridge = `datapath_type=netdev fail_mode=secure other_config:hwaddr="${DIRECTOR_MAC}"`
  await vsctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', ...bridge.split(' '))
  await vsctl(
    'add-port',
    'br0',
    'uplink0',
    ...(uplink.length === 0 ? [] : ['--', 'set', 'Interface', 'uplink0', ...uplink]),
  )
  const ofctl = ([...args]: readonly string[], input?: string) => {
    const command = args.findIndex(arg => !arg.startsWith('-'))
    const target = [...args.slice(0, command + 1), `unix:${dir}/br0.mgmt`, ...args.slice(command + 1)]
    return run('ovs-ofctl', ['-O', 'OpenFlow15', ...target], input)
  }
  await ofctl(['add-flow', 'priority=0,actions=NORMAL'])
  const pid = async () => Number(await readFile(`${dir}/ovs-vswitchd.pid`, 'utf8'))
  return {
    space,
    vsctl,
    ofctl,
    cpu: async () => cpuOf(await pid()),
    appctl: async (...args) => run('ovs-appctl', ['-t', `${dir}/ovs-vswitchd.${await pid()}.ctl`, ...args]),
  }
}

/** A director's configuration in the segment's directory, where its switch is. */
export function directorConfig(dir: string, leaseMs: number): DirectorConfig {
  return directorConfigSchema.parse({
    bridge: 'br0',
    uplink: 'uplink0',
    id: 'bench',
    listen: `unix:${dir}/agents.sock`,
    leaseMs,
    servicesDir: `${dir}/services.d`,
    stateFile: `${dir}/director.db`,
    controlSocket: `${dir}/director.sock`,
    ovsdbSocket: `${dir}/db.sock`,
    ovsRunDir: dir,
  })
}

/** CPU time of a process, user and system, in microseconds (proc(5); USER_HZ is 100). */
export async function cpuOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
