import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/** A network namespace with one interface on the segment. */
export interface Space {
  readonly pid: number
  readonly address: string
  readonly mac: string
  run(command: string, input?: string): Promise<string>
  /** Ends with the suite. */
  start(command: readonly string[], env?: Readonly<Record<string, string>>, stdout?: 'ignore' | 'pipe'): ChildProcess
  /** Bytes that have gone through its interface so far, both ways. */
  bytes(): Promise<number>
}

/** A segment (the kernel's bridge in a namespace of its own) that spaces are plugged into. */
export interface Segment {
  /** The space 10.10.1.`last` with the interface `name`; not on the segment where `behind` names another end for its wire. */
  plug(name: string, last: number, behind?: { readonly space: Space; readonly port: string }): Promise<Space>
  readonly dir: string
}

/** Ports are taken again at once, or a run with a connection for each request soon has none left. */
const SETTINGS = [
  'net.ipv4.ip_local_port_range=1024 65000',
  'net.ipv4.tcp_tw_reuse=1',
  'net.ipv4.tcp_max_tw_buckets=1',
  'net.core.somaxconn=4096',
  'net.ipv4.tcp_max_syn_backlog=4096',
]

export async function startSegment(cleanup: AsyncDisposableStack): Promise<Segment> {
  const dir = await mkdtemp(join(tmpdir(), 'crossport-bench-'))
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
  const begin = (command: readonly string[], stdio: 'ignore' | 'pipe', env = {}) => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      env: { ...process.env, ...env },
      stdio: ['ignore', stdio, 'ignore'],
    })
    cleanup.defer(() => end(child))
    return child
  }
  const hold = async () => {
    const holder = begin(
      ['unshare', '--net', 'sh', '-c', 'ip link set lo up && echo up && exec sleep infinity'],
      'pipe',
    )
    await once(holder.stdout!, 'data')
    return holder.pid!
  }
  const runIn = async (pid: number, command: string, input = '') =>
    (await execa('nsenter', ['-t', String(pid), '-n', 'sh', '-c', command], { input })).stdout

  const fabric = await hold()
  await runIn(fabric, 'ip link add fabric type bridge && ip link set fabric up')
  return {
    dir,
    plug: async (name, last, behind) => {
      const pid = await hold()
      const mac = `02:00:00:00:00:${String(last).padStart(2, '0')}`
      const port = behind?.port ?? `p${pid}`
      const master = behind === undefined ? 'master fabric' : ''
      const plain = (device: string) => `ethtool -K ${device} tx off rx off gso off gro off tso off`
      await runIn(
        behind?.space.pid ?? fabric,
        `ip link add ${port} type veth peer name ${name} address ${mac} netns ${pid} && ip link set ${port} ${master} up && ${plain(port)}`,
      )
      await runIn(pid, `ip link set ${name} up && ip address add 10.10.1.${last}/24 dev ${name} && ${plain(name)}`)
      for (const setting of SETTINGS) await runIn(pid, `sysctl -qw '${setting}' || true`)
      return {
        pid,
        mac,
        address: `10.10.1.${last}`,
        run: (command, input) => runIn(pid, command, input),
        start: (command, env, stdout = 'ignore') =>
          begin(['nsenter', '-t', String(pid), '-n', ...command], stdout, env),
        bytes: async () => {
          const text = await readFile(`/proc/${pid}/net/dev`, 'utf8')
          const fields = text
            .split('\n')
            .find(line => line.trim().startsWith(`${name}:`))!
            .split(':')[1]!
            .trim()
            .split(/\s+/)
          return Number(fields[0]) + Number(fields[8])
        },
      }
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
