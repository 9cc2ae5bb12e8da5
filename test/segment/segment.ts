import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { execa } from 'execa'
import { OFFLOADS } from '../lab/datapath.ts'
import { type ChildOptions, type Cleanup, startChild, tempDir } from './cleanup.ts'

/** A network namespace. */
export interface Namespace {
  /** Runs a shell command; resolves with its standard output. */
  run(command: string, input?: string): Promise<string>
  /** Starts a process that ends with the segment. */
  start(command: readonly string[], options?: ChildOptions): ChildProcess
}

/** A network namespace with one interface on the segment. */
export interface Space extends Namespace {
  readonly pid: number
  readonly address: string
  readonly mac: string
  /** Bytes through its interface so far, in both directions. */
  bytes(): Promise<number>
}

/** A segment (the kernel's bridge in a separate namespace) that spaces are plugged into. */
export interface Segment {
  /** Makes the space 10.10.1.`last` with the interface `name`. With `behind` its link leads to another place than the segment. */
  plug(name: string, last: number, behind?: { readonly space: Space; readonly port: string }): Promise<Space>
  readonly dir: string
  readonly cleanup: Cleanup
}

/** `settings`: kernel parameters of each space (sysctl(8)). */
export async function startSegment(cleanup: Cleanup, settings: readonly string[] = []): Promise<Segment> {
  const dir = tempDir(cleanup)
  const namespace = async (): Promise<Namespace & { readonly pid: number }> => {
    const script = 'ip link set lo up && echo up && exec sleep infinity'
    const holder = startChild(cleanup, ['unshare', '--net', 'sh', '-c', script], { output: 'pipe' })
    await once(holder.stdout!, 'data')
    const enter = ['nsenter', '-t', String(holder.pid), '-n']
    return {
      pid: holder.pid!,
      run: async (command, input = '') =>
        (await execa('nsenter', [...enter.slice(1), 'sh', '-c', command], { input })).stdout,
      start: (command, options) => startChild(cleanup, [...enter, ...command], options),
    }
  }

  const fabric = await namespace()
  // It looks at Ethernet only: br_netfilter would cut off what is behind an IP packet.
  const plainBridge = ['iptables', 'ip6tables', 'arptables'].map(of => `net.bridge.bridge-nf-call-${of}=0`).join(' ')
  await fabric.run(`ip link add fabric type bridge && ip link set fabric up; sysctl -qw ${plainBridge} || true`)
  return {
    dir,
    cleanup,
    plug: async (name, last, behind) => {
      const space = await namespace()
      const mac = `02:00:00:00:00:${String(last).padStart(2, '0')}`
      const port = behind?.port ?? `p${space.pid}`
      const master = behind === undefined ? 'master fabric' : ''
      const plain = (device: string) =>
        OFFLOADS ? 'true' : `ethtool -K ${device} tx off rx off gso off gro off tso off`
      const far = behind?.space ?? fabric
      await far.run(
        `ip link add ${port} type veth peer name ${name} address ${mac} netns ${space.pid} && ip link set ${port} ${master} up && ${plain(port)}`,
      )
      await space.run(`ip link set ${name} up && ip address add 10.10.1.${last}/24 dev ${name} && ${plain(name)}`)
      // Some kernels lack some of them.
      if (settings.length > 0) await space.run(`sysctl -qw ${settings.map(each => `'${each}'`).join(' ')} || true`)
      return { ...space, mac, address: `10.10.1.${last}`, bytes: () => bytesOf(space.pid, name) }
    },
  }
}

async function bytesOf(pid: number, device: string): Promise<number> {
  const text = await readFile(`/proc/${pid}/net/dev`, 'utf8')
  const line = text.split('\n').find(each => each.trim().startsWith(`${device}:`))!
  const fields = line.split(':')[1]!.trim().split(/\s+/)
  return Number(fields[0]) + Number(fields[8])
}
