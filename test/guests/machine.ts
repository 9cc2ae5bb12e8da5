import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { CrossportError } from '../../shared/errors.ts'
import { replyOf } from '../../shared/libvirt/agent.ts'
import { connectGuestAgent, type GuestAgent } from '../lab/guest-agent.ts'
import { root } from '../lab/paths.ts'
import { groupsOf, makeGroups, removeGroups } from './groups.ts'
import { createWire, ended, type Wire } from './wire.ts'

/** Made by scripts/manager-images: a root file system of Debian, and for each manager what its packages change in it. */
export const images = path.join(root, 'build/managers/current')

/** As the packaged unit, but on a socket of the host's: a guest without a VM has no virtio channel. */
const UNIT = `[Unit]
Description=QEMU Guest Agent
[Service]
ExecStart=/usr/sbin/qemu-ga -m unix-listen -p /run/qga/qga.sock
Restart=always
RestartSec=0
[Install]
WantedBy=multi-user.target
`

export interface MachineOptions {
  /** At most eleven characters. */
  readonly name: string
  /** Names of layers, the uppermost first. */
  readonly layers: readonly string[]
  /** Text by path in the guest. */
  readonly files?: Readonly<Record<string, string>>
  /** Names of units that start with the guest. */
  readonly units?: readonly string[]
  readonly mac: string
  /** Whether addresses can be had by DHCP on the wire. */
  readonly dhcp?: boolean
}

/** A guest with real managers and a real qemu-ga: a container of systemd-nspawn with one NIC, eth0. */
export interface Machine {
  readonly root: string
  readonly wire: Pick<Wire, 'run' | 'addresses' | 'changes' | 'heard'>
  /** Calls the guest agent; rejects as libvirt's call does. */
  call(json: string): Promise<unknown>
  /** Runs a command in the guest, as root; resolves with all that it has printed. */
  exec(...argv: readonly string[]): Promise<string>
  /** Shuts the guest down and boots it again. */
  reboot(): Promise<void>
  stop(): Promise<void>
}

export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { name, mac, dhcp = false } = options
  mkdirSync(path.join(images, 'run'), { recursive: true })
  const dir = mkdtempSync(path.join(images, 'run', `${name}-`))
  const tree = path.join(dir, 'root')
  const socket = path.join(dir, 'qga', 'qga.sock')
  const guestSpace = `cpg-${name}`
  const wire = await createWire({ guestSpace, wireSpace: `cpw-${name}`, mac, tools: path.join(images, 'base'), dhcp })
  const groups = groupsOf(`crossport-guest-${name}`)
  let nspawn: ChildProcess | undefined
  let agent: GuestAgent | undefined

  const call = async (json: string): Promise<unknown> => {
    agent ??= connectGuestAgent(socket)
    const line = await agent.command(json)
    const { error } = JSON.parse(line) as { error?: { desc: string } }
    // libvirt makes an error of its own of this.
    if (error !== undefined) throw new CrossportError('GUEST_AGENT_ERROR', error.desc)
    return replyOf(line)
  }
  const boot = async () => {
    await wire.plug()
    const argv = ['--quiet', '--boot', '--directory', tree, '--machine', name, '--register=no', '--keep-unit']
    argv.push(`--network-namespace-path=/run/netns/${guestSpace}`, `--bind=${path.join(dir, 'qga')}:/run/qga`)
    argv.push('--capability=CAP_NET_ADMIN', '--resolv-conf=off', '--timezone=off', '--link-journal=no')
    const env = { ...process.env, SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network' }
    makeGroups(groups)
    const into = `for group in ${groups.join(' ')}; do echo $$ >"$group/cgroup.procs"; done; exec systemd-nspawn "$@"`
    nspawn = spawn('sh', ['-c', into, 'sh', ...argv, '--console=pipe'], { stdio: 'ignore', env })
    const answers = () => call('{"execute":"guest-ping"}').catch(error => error)
    for (const late = Date.now() + 60_000; !existsSync(socket) || (await answers()) instanceof Error; await delay(50))
      if (Date.now() > late) throw new Error(`the guest agent of ${name} does not answer`)
  }
  const halt = async () => {
    const running = nspawn
    if (running === undefined) return
    // A guest that shuts down does not answer this command.
    call('{"execute":"guest-shutdown","arguments":{"mode":"powerdown"}}').catch(() => {})
    const late = setTimeout(() => running.kill('SIGKILL'), 30_000)
    await ended(running)
    clearTimeout(late)
    agent?.close()
    agent = nspawn = undefined
    removeGroups(groups)
    rmSync(socket, { force: true })
    await wire.unplug()
  }
  const stop = async () => {
    await halt().catch(() => {})
    await wire.close()
    await execa('umount', [tree]).catch(() => {})
    rmSync(dir, { recursive: true, force: true })
  }

  try {
    await makeDisk(dir, options)
    await boot()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    root: tree,
    wire,
    call,
    exec: (path, ...args) => exec(call, path ?? '', args),
    reboot: async () => {
      await halt()
      await boot()
    },
    stop,
  }
}

async function makeDisk(dir: string, { layers, files = {}, units = [] }: MachineOptions): Promise<void> {
  const [upper, work, tree] = ['upper', 'work', 'root'].map(part => path.join(dir, part)) as [string, string, string]
  for (const part of [upper, work, tree, path.join(dir, 'qga')]) mkdirSync(part)
  const lower = [...layers.map(layer => path.join(images, layer)), path.join(images, 'base')].join(':')
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
  await execa('mount', ['-t', 'overlay', 'overlay', '-o', options, tree])
  const all = { '/etc/systemd/system/qemu-guest-agent.service': UNIT, '/etc/machine-id': '', ...files }
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(path.join(tree, path.dirname(file)), { recursive: true })
    // NetworkManager takes no profile that others may read.
    writeFileSync(path.join(tree, file), text, { mode: file.endsWith('.nmconnection') ? 0o600 : 0o644 })
  }
  await execa('systemctl', ['--root', tree, 'enable', 'qemu-guest-agent.service', ...units])
}

async function exec(call: Machine['call'], file: string, args: readonly string[]): Promise<string> {
  const run = (execute: string, values: object) => call(JSON.stringify({ execute, arguments: values }))
  const { pid } = (await run('guest-exec', { path: file, arg: args, 'capture-output': true })) as { pid: number }
  for (;;) {
    const status = (await run('guest-exec-status', { pid })) as Readonly<Record<string, string | boolean | undefined>>
    const text = (name: string) => Buffer.from(String(status[name] ?? ''), 'base64').toString()
    if (status.exited === true) return `${text('out-data')}${text('err-data')}`
    await delay(20)
  }
}
