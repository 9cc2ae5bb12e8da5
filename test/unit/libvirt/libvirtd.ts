import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * A real libvirtd in namespaces of its own (mount, network, UTS, PID), with its own /run, /etc/libvirt and
 * /var/{lib,log,cache}/libvirt. When the PID namespace's first process dies, the kernel ends everything in it.
 */
export interface Libvirtd {
  /** The socket's path from outside, through /proc. */
  readonly socket: string
  /** Runs a shell command inside; resolves with its output, rejects when it fails. */
  sh(command: string): Promise<string>
  stop(): Promise<void>
}

const SET_UP = `
set -e
mount -t tmpfs tmpfs /run
for d in /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do mkdir -p $d; mount -t tmpfs tmpfs $d; done
cp -a /etc/libvirt /run/etc-libvirt
mount --bind /run/etc-libvirt /etc/libvirt
rm -rf /etc/libvirt/qemu/*.xml /etc/libvirt/qemu/autostart/* /etc/libvirt/qemu/networks/autostart/*
cat >> /etc/libvirt/qemu.conf <<END
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
END
ip link set lo up
start() { libvirtd -d; echo ready; }
start
while read -r command; do
  case $command in
    stop) kill -TERM $(cat /run/libvirtd.pid); while kill -0 $(cat /run/libvirtd.pid 2>/dev/null || echo 999999) 2>/dev/null; do sleep 0.05; done; echo stopped;;
    start) start;;
  esac
done
`

export async function startLibvirtd(): Promise<Libvirtd & { daemon(command: 'stop' | 'start'): Promise<void> }> {
  const child = spawn(
    'unshare',
    ['--mount', '--net', '--uts', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc', 'bash', '-c', SET_UP],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  const errors: string[] = []
  child.stderr.on('data', data => errors.push(String(data)))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const expectLine = async (word: string) => {
    const line = await lines.next()
    if (line.value !== word) throw new Error(`libvirtd did not get ${word}: ${errors.join('')}`)
  }
  await expectLine('ready')
  const inner = await firstChild(child)
  return {
    socket: `/proc/${inner}/root/run/libvirt/libvirt-sock`,
    sh: command => inside(inner, command),
    daemon: async command => {
      child.stdin.write(`${command}\n`)
      await expectLine(command === 'stop' ? 'stopped' : 'ready')
    },
    stop: () =>
      new Promise(resolve => {
        child.once('exit', () => resolve())
        child.kill('SIGKILL')
      }),
  }
}

async function firstChild(child: ChildProcess): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  const [pid] = children.trim().split(' ')
  if (!pid) throw new Error('unshare has no child')
  return pid
}

function inside(pid: string, command: string): Promise<string> {
  const child = spawn('nsenter', ['--target', pid, '--mount', '--net', '--uts', '--pid', 'bash', '-c', command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', data => (output += data))
  child.stderr.on('data', data => (errors += data))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => (code === 0 ? resolve(output) : reject(new Error(`${command}: exit ${code}: ${errors}`))))
  })
}
