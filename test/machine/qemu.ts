import { once } from 'node:events'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Cleanup, startChild, tempDir } from '../segment/cleanup.ts'

/**
 * A machine with Debian's kernel over this machine's files, with changes kept in its memory. Its kernel has the datapath of Open
 * vSwitch, connection tracking with zones, and IPVS, whatever the kernel here was built with. The processor is emulated (TCG), so
 * no KVM is needed; Node is too slow in it.
 */
export interface MachineOptions {
  /**
   * One processor that takes so many nanoseconds for each instruction, so that measurements do not depend on other load, and
   * repeat. Default: as fast as possible.
   */
  readonly instructionNs?: 1 | 2 | 4
  readonly cpus?: number
  readonly memoryMiB?: number
  /** A directory that is /out inside; default: one that the cleanup removes. */
  readonly out?: string
  /** Called with its console output. */
  readonly onLine?: (line: string) => void
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const IMAGE = join(ROOT, 'build/qemu/current')
/** Debian 12 and later. */
const VIRTIOFSD = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd']
const LAST_LINES = 20

/**
 * Boots the machine and runs the command in it with bash, as root, in the repository; resolves with the exit code. Throws when it
 * does not boot.
 */
export async function run(cleanup: Cleanup, command: string, options: MachineOptions = {}): Promise<number> {
  const { out = tempDir(cleanup), onLine = () => {} } = options
  if (!existsSync(IMAGE)) throw new Error('the test machine is not built: scripts/qemu-image')
  const image = realpathSync(IMAGE)
  await mkdir(out, { recursive: true })
  await rm(join(out, 'exit-code'), { force: true })
  await copyFile(new URL('boot.sh', import.meta.url), join(out, 'boot.sh'))
  await writeFile(join(out, 'environment'), `MODULES='${image}/modules'\nDIRECTORY='${ROOT}'\n`)
  await writeFile(join(out, 'command.sh'), `${command}\n`)

  const sockets = tempDir(cleanup)
  await shareRoot(cleanup, sockets)
  await share(cleanup, join(sockets, 'out'), out, ['cache=auto'])
  const qemu = startChild(cleanup, ['qemu-system-x86_64', ...machine(image, sockets, options)], { output: 'pipe' })
  const said: string[] = []
  const hear = (line: string) => {
    if (said.push(line) > LAST_LINES) said.shift()
    onLine(line)
  }
  createInterface(qemu.stdout!).on('line', hear)
  createInterface(qemu.stderr!).on('line', hear)
  await once(qemu, 'exit')
  const file = join(out, 'exit-code')
  if (!existsSync(file)) throw new Error(`the test machine has ended early:\n${said.join('\n')}`)
  return Number(readFileSync(file, 'utf8'))
}

/** Everything that is mounted here, read-only, in a mount namespace that ends with the process. */
async function shareRoot(cleanup: Cleanup, sockets: string): Promise<void> {
  const root = join(sockets, 'root.d')
  await mkdir(root)
  const mount = `mount --rbind / '${root}' && mount -o remount,bind,ro '${root}' && exec "$@"`
  const before = ['unshare', '--mount', 'sh', '-c', mount, 'sh']
  await share(cleanup, join(sockets, 'root'), root, ['cache=always', 'no_posix_lock'], before)
}

async function share(
  cleanup: Cleanup,
  socket: string,
  folder: string,
  options: readonly string[],
  before: readonly string[] = [],
): Promise<void> {
  const program = VIRTIOFSD.find(existsSync)
  if (program === undefined) throw new Error(`there is no virtiofsd: ${VIRTIOFSD.join(', ')}`)
  const all = [`source=${folder}`, 'sandbox=chroot', ...options].flatMap(option => ['-o', option])
  const child = startChild(cleanup, [...before, program, `--socket-path=${socket}`, ...all], { output: 'pipe' })
  let said = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', data => (said = `${said}${data}`.slice(-2000)))
  while (!existsSync(socket)) {
    if (child.exitCode !== null) throw new Error(`virtiofsd: ${said}`)
    await sleep(20)
  }
}

function machine(image: string, sockets: string, options: MachineOptions): string[] {
  const { instructionNs, cpus = 2, memoryMiB = 3072 } = options
  // thread=multi is refused with icount. `sleep=off`: while all threads wait, the clock jumps to the next timer at once.
  const tcg =
    instructionNs === undefined
      ? ['-accel', 'tcg,thread=multi,tb-size=1024', '-smp', String(cpus)]
      : ['-accel', 'tcg,thread=single,tb-size=1024', '-smp', '1', '-icount', `shift=${instructionNs >> 1},sleep=off`]
  const disk = (name: string) => [
    ...['-chardev', `socket,id=${name},path=${join(sockets, name)}`],
    ...['-device', `vhost-user-fs-pci,chardev=${name},tag=${name}`],
  ]
  const kernel =
    'console=ttyS0 quiet panic=1 mitigations=off nokaslr net.ifnames=0 cryptomgr.notests audit=0 tsc=reliable'
  return [
    ...tcg,
    ...['-cpu', 'max', '-m', `${memoryMiB}M`, '-M', 'q35', '-nographic', '-no-reboot', '-nic', 'none'],
    ...['-object', `memory-backend-memfd,id=memory,size=${memoryMiB}M,share=on`, '-numa', 'node,memdev=memory'],
    ...disk('root'),
    ...disk('out'),
    ...['-kernel', join(image, 'kernel'), '-initrd', join(image, 'initrd.img'), '-append', kernel],
  ]
}
