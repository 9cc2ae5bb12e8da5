import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { execa, type ResultPromise } from 'execa'

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))
const TARGET = 'crossport-test.target'

/** A machine with a real systemd and journald. */
export interface Machine {
  /** Runs a command in it; rejects when it fails. */
  exec(file: string, ...args: string[]): ResultPromise
  /** Writes a file in it. */
  write(path: string, text: string): Promise<void>
  /** Journal entries for these matches (journalctl(1)), oldest first. */
  journal(...matches: string[]): Promise<Record<string, string>[]>
  /** Runs a command until it writes a line that `found` accepts, ends it, and returns the line. */
  untilLine(command: readonly [string, ...string[]], found: (line: string) => boolean): Promise<string>
  /** Follows the journal until an entry satisfies `found`, and returns it. */
  untilJournal(matches: string[], found: (entry: Record<string, string>) => boolean): Promise<Record<string, string>>
  close(): Promise<void>
}

/** What the machine is made of. */
export interface Base {
  /** Its files, which are not changed. */
  readonly root: string
  /** A folder of this machine's, and where it has it, read-only. */
  readonly bind: readonly [from: string, to: string]
}

/** This machine's own files, with the checkout under /usr/lib/crossport. */
const CHECKOUT: Base = { root: '/', bind: [REPOSITORY, '/usr/lib/crossport'] }

/**
 * Boots systemd in a container (systemd-nspawn(1)) on an overlay of `base`, so nothing is downloaded or changed. Mounts are in a
 * separate namespace, and the container dies with this process. `files`: path → text, written before the boot.
 */
export async function bootMachine(files: Readonly<Record<string, string>>, base: Base = CHECKOUT): Promise<Machine> {
  const work = mkdtempSync(join(tmpdir(), 'crossport-systemd-'))
  const id = randomBytes(16).toString('hex')
  for (const [path, text] of Object.entries({
    ...files,
    '/etc/machine-id': `${id}\n`,
    [`/etc/systemd/system/${TARGET}`]: UNIT,
  })) {
    mkdirSync(dirname(join(work, 'files', path)), { recursive: true })
    writeFileSync(join(work, 'files', path), text)
  }
  const groups = cgroups(`crossport-test-${id.slice(0, 8)}`)
  const nspawn = spawnMachine(work, base, `ct${id.slice(0, 8)}`, groups)
  const said = await untilSaid(nspawn, TARGET)
  const leader = childrenOf(childrenOf(nspawn.pid)[0])[0]
  if (leader === undefined) {
    nspawn.kill('SIGTERM')
    await nspawn
    throw new Error(`the machine did not boot:\n${said}`)
  }
  return machine(nspawn, leader)
}

function spawnMachine(work: string, { root, bind }: Base, name: string, groups: readonly string[]) {
  const own = ['--pdeathsig', 'TERM', 'unshare', '--mount', '--propagation', 'private']
  return execa('setpriv', [...own, 'sh', '-euc', SCRIPT, 'sh', work, root, bind.join(':'), name, ...groups], {
    reject: false,
    stdin: 'ignore',
    all: true,
    buffer: false,
    forceKillAfterDelay: 30_000,
  })
}

/**
 * The output when `text` is in it, or when the process has ended. Goes on reading afterwards, so that the process never blocks.
 */
function untilSaid(process: Nspawn, text: string): Promise<string> {
  return new Promise(resolve => {
    let said = ''
    process.all.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes(text)) resolve(said)
    })
    process.all.on('close', () => resolve(said))
  })
}

type Nspawn = ReturnType<typeof spawnMachine>

function machine(nspawn: Nspawn, leader: number): Machine {
  const enter = ['--target', String(leader), '--all', '--']
  const exec: Machine['exec'] = (file, ...args) => execa('nsenter', [...enter, file, ...args])
  const entries = (text: string) =>
    text
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Record<string, string>)
  const untilLine: Machine['untilLine'] = async ([file, ...args], found) => {
    // nsenter forks, so the command is a grandchild and has to be told when nsenter ends.
    const process = execa('nsenter', [...enter, 'setpriv', '--pdeathsig', 'KILL', file, ...args], {
      reject: false,
      buffer: false,
    })
    const lines = createInterface({ input: process.stdout })
    const line = await new Promise<string | undefined>(resolve => {
      lines.on('line', each => {
        if (!found(each)) return
        // The last line of a command that is ended may be cut off.
        lines.removeAllListeners('line')
        resolve(each)
      })
      lines.on('close', () => resolve(undefined))
    })
    process.kill()
    await process
    if (line === undefined) throw new Error(`${[file, ...args].join(' ')} ended without the line`)
    return line
  }
  return {
    exec,
    write: async (path, text) => {
      await execa('nsenter', [...enter, 'sh', '-c', 'mkdir -p "$(dirname "$1")" && cat > "$1"', 'sh', path], {
        input: text,
      })
    },
    journal: async (...matches) =>
      entries(String((await exec('journalctl', '-o', 'json', '--all', ...matches)).stdout)),
    untilLine,
    untilJournal: async (matches, found) => {
      const args = ['-o', 'json', '--all', '--follow', '--lines=all', ...matches]
      const line = await untilLine(['journalctl', ...args], each => found(entries(each)[0] ?? {}))
      return entries(line)[0] ?? {}
    },
    close: async () => {
      nspawn.kill('SIGTERM')
      await nspawn
    },
  }
}

const UNIT = `[Unit]
DefaultDependencies=no
Requires=systemd-journald.service systemd-journald.socket
After=systemd-journald.service
`

/**
 * Arguments: $1 work directory, $2 root, $3 bind mount, $4 machine name; then control groups for nspawn. Cleans up on SIGTERM, which it
 * also gets when its parent dies.
 */
const SCRIPT = `
work=$1 root=$2 bind=$3 name=$4 pid=; shift 4
alive() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
finish() {
  trap '' TERM INT HUP EXIT
  # nspawn passes SIGTERM on as the shutdown signal (systemd-nspawn(1), --kill-signal=).
  alive && kill -TERM "$pid"
  for i in $(seq 100); do alive || break; sleep 0.1; done
  alive && kill -KILL "$pid"
  umount --recursive --lazy "$work/mnt" || true
  # Tried again while the kernel still buries the last processes: nothing tells when it is done.
  for group; do
    for i in $(seq 50); do
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.1
    done
  done
  rm -rf "$work"
}
trap 'finish "$@"' EXIT
trap 'exit 143' TERM INT HUP
for group; do mkdir -p "$group"; done
mkdir "$work/mnt"
mount -t tmpfs tmpfs "$work/mnt"
mkdir "$work/mnt/upper" "$work/mnt/work" "$work/mnt/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/mnt/upper,workdir=$work/mnt/work" "$work/mnt/root"
rm -rf "$work/mnt/root/etc/crossport" "$work/mnt/root/var/lib/crossport" "$work/mnt/root/var/log/journal"
cp -r "$work/files/." "$work/mnt/root/"
(
  for group; do echo 0 >"$group/cgroup.procs"; done
  exec setpriv --pdeathsig KILL systemd-nspawn --quiet --directory "$work/mnt/root" --machine "$name" --register=no --keep-unit \\
    --private-network --link-journal=no --bind-ro="$bind" --boot -- --unit=${TARGET}
) &
pid=$!
wait "$pid"
`

/** nspawn moves itself and its payload below the control group that it starts in, so it gets one of its own. */
function cgroups(name: string): string[] {
  const root = '/sys/fs/cgroup'
  if (existsSync(join(root, 'cgroup.procs'))) return [join(root, name)]
  return ['systemd', 'unified']
    .map(each => join(root, each))
    .filter(each => existsSync(each))
    .map(each => join(each, name))
}

const childrenOf = (pid: number | undefined): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
