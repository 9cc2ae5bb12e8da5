import { CrossportError } from '../../../shared/errors.ts'
import { ModelFiles, ROOTS } from './model-files.ts'

const FOLDER = '/etc/sysconfig/network-scripts'
const COMMANDS = [
  'guest-sync',
  'guest-info',
  'guest-network-get-interfaces',
  'guest-exec',
  'guest-exec-status',
  'guest-file-open',
  'guest-file-read',
  'guest-file-write',
  'guest-file-close',
  'guest-fsfreeze-status',
]
const WHEN_FROZEN = ['guest-sync', 'guest-info', 'guest-fsfreeze-status']

interface Address {
  readonly ip: string
  /** Default: global. */
  readonly scope?: 'host'
  readonly deprecated?: true
  readonly label?: string
}

type Args = Record<string, unknown>

/** What happens to a command: it runs, it runs and the answer is lost, or it never arrives. */
export type Fate = 'answer' | 'lost' | 'dead'

/** A Linux guest with Red Hat's network-scripts and a qemu-ga, as far as an agent can see. */
export class ModelGuest extends ModelFiles {
  override files = new Map<string, string>([[`${FOLDER}/ifcfg-eth0`, 'DEVICE=eth0\nONBOOT=yes\n']])
  /** What the guest's own programs print, by command line. */
  programs = new Map<string, string>()
  own = ['192.0.2.7']
  addresses: Address[] = [{ ip: '192.0.2.7' }]
  loopback: string[] = ['127.0.0.1']
  mac = '52:54:00:aa:00:01'
  nic = 'eth0'
  blocked = new Set<string>()
  frozen = false
  /** Programs that this guest lacks, or may not run. */
  refuse = new Map<string, string>()
  /** Programs whose run fails, with their standard error. */
  failing = new Map<string, string>()
  /** Answers that replace the right ones. */
  lies = new Map<string, unknown>()
  /** Command lines that never end. */
  neverEnds: RegExp | undefined
  calls = 0
  fate: () => Fate = () => 'answer'
  /** Called before every command, for changes by somebody else in the guest. */
  before: (command: string, args: Args) => void = () => {}
  private handles = new Map<number, { path: string; mode: string; written: string }>()
  private results = new Map<number, { line: string; polls: number; exitcode: number; out: string; err: string }>()
  private next = 1000

  call = async (_uuid: string, json: string, _timeoutS: number): Promise<unknown> => {
    this.calls++
    const { execute, arguments: args = {} } = JSON.parse(json) as { execute: string; arguments?: Args }
    const fate = this.fate()
    if (fate === 'dead') throw new CrossportError('GUEST_AGENT_UNRESPONSIVE', 'Guest agent is not responding')
    this.before(execute, args)
    const answer = this.run(execute, args)
    if (fate === 'lost') throw new CrossportError('GUEST_AGENT_UNRESPONSIVE', 'Guest agent is not responding')
    return this.lies.has(execute) ? this.lies.get(execute) : structuredClone(answer)
  }

  reboot(): void {
    this.handles.clear()
    this.results.clear()
    this.addresses = this.own.map(ip => ({ ip }))
    if (!this.files.has(`${FOLDER}/ifcfg-${this.nic}`)) return
    for (const [path, text] of this.files) {
      // As ifup-aliases does: the file's name is the parent's plus a colon, the label has no other characters.
      const label = path.slice(`${FOLDER}/ifcfg-`.length)
      const device = /^DEVICE=(.*)$/m.exec(text)?.[1]
      const ip = /^IPADDR=(.*)$/m.exec(text)?.[1]
      if (!label.startsWith(`${this.nic}:`) || device !== label || ip === undefined) continue
      if (!/^[0-9A-Za-z_]+$/.test(label.slice(this.nic.length + 1)) || label.length > 15) continue
      if (!this.addresses.some(a => a.ip === ip)) this.addresses.push({ ip, label })
    }
  }

  private error(words: string): never {
    throw new CrossportError('GUEST_AGENT_ERROR', words)
  }

  private enabled(name: string): boolean {
    return !this.blocked.has(name) && (!this.frozen || WHEN_FROZEN.includes(name))
  }

  private run(command: string, args: Args): unknown {
    if (!COMMANDS.includes(command)) this.error(`The command ${command} has not been found`)
    if (!this.enabled(command)) this.error(`The command ${command} has been disabled for this instance`)
    switch (command) {
      case 'guest-sync':
        return args.id
      case 'guest-info':
        return {
          version: '7.2.9',
          supported_commands: COMMANDS.map(name => ({ name, enabled: this.enabled(name), 'success-response': true })),
        }
      case 'guest-fsfreeze-status':
        return this.frozen ? 'frozen' : 'thawed'
      case 'guest-network-get-interfaces':
        return this.interfaces()
      case 'guest-file-open':
        return this.open(String(args.path), String(args.mode))
      case 'guest-file-close': {
        const file = this.handle(args)
        if (file.mode === 'w') this.change(`write ${file.path}`, () => this.files.set(file.path, file.written))
        this.handles.delete(Number(args.handle))
        return {}
      }
      case 'guest-file-read': {
        const bytes = Buffer.from(this.files.get(this.handle(args).path) ?? '')
        return { count: bytes.length, 'buf-b64': bytes.toString('base64'), eof: true }
      }
      case 'guest-file-write': {
        const bytes = Buffer.from(String(args['buf-b64']), 'base64')
        this.handle(args).written += bytes.toString()
        return { count: bytes.length, eof: false }
      }
      case 'guest-exec':
        return this.exec(
          String(args.path),
          args.arg as string[],
          Buffer.from(String(args['input-data'] ?? ''), 'base64'),
        )
      default:
        return this.execStatus(Number(args.pid))
    }
  }

  private handle(args: Args) {
    const file = this.handles.get(Number(args.handle))
    return file ?? this.error(`handle '${args.handle}' has not been found`)
  }

  private open(path: string, mode: string): number {
    if (mode === 'r' && !this.files.has(path))
      this.error(`failed to open file '${path}' (mode: '${mode}'): No such file or directory`)
    // fopen(3): "w" truncates at once, and the data arrives when the file is closed.
    if (mode === 'w') {
      // qga/commands-posix.c creates with 0666, and its umask is 0 unless it is a daemon's.
      if (!this.files.has(path)) this.attributes.set(path, { ...ROOTS, mode: 0o666 })
      this.files.set(path, '')
    }
    this.handles.set(++this.next, { path, mode, written: '' })
    return this.next
  }

  /** The kernel lists addresses by scope, the narrow ones first. */
  private ordered(): readonly Address[] {
    return [...this.addresses.filter(a => a.scope === 'host'), ...this.addresses.filter(a => a.scope !== 'host')]
  }

  private interfaces(): unknown {
    const at = (name: string, addresses: readonly string[], mac?: string) => ({
      name,
      ...(mac === undefined ? {} : { 'hardware-address': mac }),
      'ip-addresses': addresses.map(ip => ({ 'ip-address': ip, 'ip-address-type': 'ipv4', prefix: 24 })),
      statistics: { 'rx-bytes': 1 },
    })
    const plain = this.ordered()
      .filter(a => a.label === undefined)
      .map(a => a.ip)
    const labelled = this.addresses.filter(a => a.label !== undefined)
    const six = { 'ip-address': 'fe80::1', 'ip-address-type': 'ipv6', prefix: 64 }
    const nic = at(this.nic, plain, this.mac)
    nic['ip-addresses'].push(six)
    return [
      at('lo', this.loopback, '00:00:00:00:00:00'),
      nic,
      ...labelled.map(a => at(a.label ?? '', [a.ip], this.mac)),
    ]
  }

  private exec(path: string, args: readonly string[], input: Buffer): unknown {
    const refused = this.refuse.get(path)
    if (refused !== undefined) this.error(`Guest-exec failed: Failed to execute child process “${path}” (${refused})`)
    const pid = ++this.next
    const failing = this.failing.get(path)
    const [exitcode, out, err] = failing === undefined ? this.program(path, args, input) : [2, '', failing]
    this.results.set(pid, { line: [path, ...args].join(' '), polls: 0, exitcode, out, err })
    return { pid }
  }

  private program(path: string, args: readonly string[], input: Buffer): [number, string, string] {
    if (path === 'env') {
      const out = this.programs.get(args.slice(1).join(' '))
      return out === undefined ? [127, '', `env: '${args[1]}': No such file or directory\n`] : [0, out, '']
    }
    if (path.endsWith('ip')) return this.ip(args)
    return this.fileProgram(path, args, input.toString()) ?? [127, '', `${path}: not found`]
  }

  private ip(args: readonly string[]): [number, string, string] {
    if (args[0] === '-o')
      return [
        0,
        this.ordered()
          .map(a => this.shown(a))
          .join(''),
        '',
      ]
    const [, verb, prefix, , nic, ...options] = args
    const ip = prefix?.replace(prefix.includes(':') ? /\/128$/ : /\/32$/, '') ?? ''
    if (nic !== this.nic) return [1, '', `Cannot find device "${nic}"\n`]
    const there = this.addresses.some(a => a.ip === ip)
    const made: Address = {
      ip,
      ...(options.join(' ').startsWith('scope host') ? { scope: 'host' } : {}),
      ...(options.join(' ').includes('preferred_lft 0') ? { deprecated: true } : {}),
    }
    if (verb === 'add') {
      if (there) return [2, '', 'RTNETLINK answers: File exists\n']
      this.change(`add ${ip}`, () => this.addresses.push(made))
    } else if (verb === 'replace') {
      this.change(`replace ${ip}`, () => {
        this.addresses = [...this.addresses.filter(a => a.ip !== ip), made]
      })
    } else {
      if (!there) return [2, '', 'RTNETLINK answers: Cannot assign requested address\n']
      this.change(`del ${ip}`, () => {
        this.addresses = this.addresses.filter(a => a.ip !== ip)
      })
    }
    return [0, '', '']
  }

  private shown({ ip, scope, deprecated, label }: Address): string {
    const [family, bits] = ip.includes(':') ? ['inet6', 128] : ['inet', 32]
    const flags = `${deprecated === true ? ' deprecated' : ''} ${label ?? this.nic}`
    return `2: ${this.nic}    ${family} ${ip}/${bits} scope ${scope ?? 'global'}${flags}\\       valid_lft forever\n`
  }

  /** The record is freed once its end was reported (qga/commands.c). */
  private execStatus(pid: number): unknown {
    const result = this.results.get(pid)
    if (result === undefined) this.error('PID 1 does not exist')
    if (this.neverEnds?.test(result.line) || result.polls++ === 0) return { exited: false }
    this.results.delete(pid)
    const base64 = (text: string) => (text === '' ? undefined : Buffer.from(text).toString('base64'))
    return { exited: true, exitcode: result.exitcode, 'out-data': base64(result.out), 'err-data': base64(result.err) }
  }
}
