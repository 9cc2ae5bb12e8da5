import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { execa } from 'execa'

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

/** A network namespace, held by a process that does not outlive the test's. */
export interface Space {
  readonly pid: number
  run(...command: string[]): Promise<string>
  /** Starts it, and resolves when its output matches. */
  daemon(ready: RegExp | undefined, ...command: string[]): Promise<ChildProcess>
}

/**
 * A segment with a client, two hosts that hold the VIP without answering ARP for it, as agents make them behave
 * (replies leave with the VIP's port), and a director: a real ovs-vswitchd with one uplink. Gone when the test ends.
 */
export interface Network {
  readonly client: Space
  readonly hosts: readonly Space[]
  readonly hostMacs: readonly string[]
  readonly directorMac: string
  readonly rundir: string
  readonly director: Space
  vsctl(...args: string[]): Promise<string>
  ofctl(command: string, ...args: string[]): Promise<string>
  ofctlInput(input: string, command: string, ...args: string[]): Promise<string>
  appctl(...args: string[]): Promise<string>
  stopVswitchd(): Promise<void>
  startVswitchd(): Promise<void>
  tempDir(): Promise<string>
}

export const VIP = '10.10.1.100'
export const CLIENT = '10.10.1.10'

export async function startNetwork(t: ExecutionContext, hostCount = 2): Promise<Network> {
  const running: ChildProcess[] = []
  const dirs: string[] = []
  t.teardown(async () => {
    await Promise.all(running.toReversed().map(end))
    await Promise.all(dirs.map(dir => rm(dir, { recursive: true, force: true })))
  })
  const tempDir = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'crossport-director-'))
    dirs.push(dir)
    return dir
  }
  const rundir = await tempDir()
  const env = { ...process.env, OVS_RUNDIR: rundir, OVS_LOGDIR: rundir, OVS_DBDIR: rundir }

  const start = (command: readonly string[], stdio: 'ignore' | 'pipe') => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { env, stdio: ['ignore', stdio, stdio] })
    running.push(child)
    return child
  }
  const space = async (): Promise<Space> => {
    const holder = start(
      ['unshare', '--net', 'sh', '-c', 'ip link set lo up && echo up && exec sleep infinity'],
      'pipe',
    )
    await once(holder.stdout!, 'data')
    const enter = ['nsenter', '-t', String(holder.pid), '-n']
    return {
      pid: holder.pid!,
      run: async (...command) => (await execa('nsenter', [...enter.slice(1), ...command], { env })).stdout,
      daemon: async (ready, ...command) => {
        const child = start([...enter, 'setpriv', '--pdeathsig', 'KILL', ...command], ready ? 'pipe' : 'ignore')
        if (ready) await matches(child, ready)
        return child
      },
    }
  }

  const [fabric, client, director, ...hosts] = await Promise.all(Array.from({ length: 3 + hostCount }, space))
  await fabric!.run('ip', 'link', 'add', 'fabric', 'type', 'bridge')
  await fabric!.run('ip', 'link', 'set', 'fabric', 'up')
  const plug = async (place: Space, name: string, mac: string) => {
    const port = `p${place.pid}`
    await fabric!.run(...words(`ip link add ${port} type veth peer name ${name} address ${mac} netns ${place.pid}`))
    await fabric!.run(...words(`ip link set ${port} master fabric up`))
    await place.run(...words(`ip link set ${name} up`))
    for (const [where, device] of [
      [fabric!, port],
      [place, name],
    ] as const) {
      await where.run(...words(`ethtool -K ${device} tx off rx off gso off gro off tso off`))
    }
  }
  const hostMacs = hosts.map((_, i) => `02:00:00:00:00:2${i}`)
  await plug(client!, 'eth0', '02:00:00:00:00:10')
  await client!.run(...words(`ip address add ${CLIENT}/24 dev eth0`))
  await plug(director!, 'uplink0', '02:00:00:00:01:01')
  for (const [i, host] of hosts.entries()) {
    await plug(host, 'eth0', hostMacs[i]!)
    await host.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2')
    await host.run(...words(`ip address add 10.10.1.2${i}/24 dev eth0`))
    await host.run(...words(`ip address add ${VIP}/32 dev lo`))
    await execa('nsenter', ['-t', String(host.pid), '-n', '/usr/sbin/nft', '-f', '-'], {
      input:
        'add table ip agent; add chain ip agent reply { type filter hook output priority -300; }; add rule ip agent reply tcp sport 8080-8109 notrack tcp sport set 80',
    })
  }

  const db = `unix:${rundir}/db.sock`
  const run = async (file: string, args: readonly string[], input = '') =>
    (await execa(file, args, { env, input })).stdout
  let vswitchd: ChildProcess | undefined
  const network: Network = {
    client: client!,
    hosts,
    hostMacs,
    directorMac: '02:00:00:00:01:00',
    rundir,
    director: director!,
    tempDir,
    vsctl: (...args) => run('ovs-vsctl', [`--db=${db}`, '--timeout=20', ...args]),
    ofctl: (command, ...args) => network.ofctlInput('', command, ...args),
    ofctlInput: (input, command, ...args) =>
      run('ovs-ofctl', ['-O', 'OpenFlow15', '--timeout=20', command, `unix:${rundir}/br0.mgmt`, ...args], input),
    appctl: async (...args) => run('ovs-appctl', ['-t', `${rundir}/ovs-vswitchd.${vswitchd?.pid}.ctl`, ...args]),
    stopVswitchd: async () => {
      if (vswitchd !== undefined) await end(vswitchd)
    },
    startVswitchd: async () => {
      const options = ['--disable-system', '--no-chdir', `--pidfile=${rundir}/ovs-vswitchd.pid`]
      vswitchd = await director!.daemon(undefined, 'ovs-vswitchd', db, ...options)
      // Waits until vswitchd has taken over the whole of the database's configuration.
      await network.vsctl('set', 'open', '.', `other_config:start=${Date.now()}`)
    },
  }
  await run('ovsdb-tool', ['create', `${rundir}/conf.db`, SCHEMA])
  await director!.daemon(undefined, 'ovsdb-server', `${rundir}/conf.db`, `--remote=p${db}`, '--no-chdir')
  await network.vsctl('--retry', '--no-wait', 'init')
  await network.startVswitchd()
  await network.vsctl(
    ...words('add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure'),
    `other_config:hwaddr="${network.directorMac}"`,
    ...words('protocols=OpenFlow10,OpenFlow13,OpenFlow15 -- add-port br0 uplink0'),
  )
  return network
}

const words = (text: string) => text.split(' ')

/** Ending an iteration over the output would close it, and the child would die of the next line. */
function matches(child: ChildProcess, ready: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const look = (chunk: unknown) => {
      text += String(chunk)
      if (ready.test(text)) resolve()
    }
    child.stdout!.on('data', look)
    child.stderr!.on('data', look)
    child.once('exit', () => reject(new Error(`ended before it was ready: ${text}`)))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
