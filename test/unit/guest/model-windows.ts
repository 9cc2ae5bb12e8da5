import { CrossportError } from '../../../shared/errors.ts'
import { MAC } from './helpers.ts'

const COMMANDS = ['guest-sync', 'guest-info', 'guest-get-osinfo', 'guest-network-get-interfaces', 'guest-exec']
const POWERSHELL = String.raw`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
const AT = "-InterfaceAlias 'Ethernet 2'"

interface Address {
  readonly ip: string
  readonly skip: boolean
  readonly stores: readonly string[]
}

type Act = (guest: ModelWindows, match: RegExpExecArray) => unknown

/** Every script that a Windows guest may be asked to run, word for word, and what it does there by Microsoft's documentation. */
const SCRIPTS: readonly (readonly [RegExp, Act])[] = [
  [
    exactly(`Get-NetIPAddress ${AT} | Select-Object IPAddress,SkipAsSource | ConvertTo-Json -Compress`),
    guest => few(guest.addresses.map(({ ip, skip }) => ({ IPAddress: ip, SkipAsSource: skip }))),
  ],
  [
    exactly(
      `Get-NetIPInterface ${AT} | Select-Object @{n='Family';e={"$($_.AddressFamily)"}},@{n='Dhcp';e={"$($_.Dhcp)"}} | ConvertTo-Json -Compress`,
    ),
    ({ dhcp }) => [
      { Family: 'IPv6', Dhcp: 'Disabled' },
      { Family: 'IPv4', Dhcp: dhcp ? 'Enabled' : 'Disabled' },
    ],
  ],
  [
    exactly(
      `$store=@{}; if ((Get-NetIPInterface ${AT} -AddressFamily (IPv[46])).Dhcp -eq 'Enabled') {$store.PolicyStore='ActiveStore'}; ` +
        `New-NetIPAddress ${AT} -IPAddress ([0-9a-f.:]+) -PrefixLength (32|128) -SkipAsSource $true @store | Out-Null`,
    ),
    (guest, [, family, ip = '']) => {
      const active = family === 'IPv4' && guest.dhcp
      guest.addresses.push({ ip, skip: true, stores: active ? ['ActiveStore'] : ['ActiveStore', 'PersistentStore'] })
    },
  ],
  [
    exactly(`Set-NetIPAddress ${AT} -IPAddress ([0-9a-f.:]+) -SkipAsSource $true`),
    (guest, [, ip]) => {
      guest.addresses = guest.addresses.map(address => (address.ip === ip ? { ...address, skip: true } : address))
    },
  ],
  [
    exactly(
      `foreach ($store in 'ActiveStore','PersistentStore') {if (Get-NetIPAddress ${AT} -IPAddress ([0-9a-f.:]+) -PolicyStore $store -ErrorAction SilentlyContinue) ` +
        `{Remove-NetIPAddress ${AT} -IPAddress [0-9a-f.:]+ -PolicyStore $store -Confirm:$false}}`,
    ),
    (guest, [, ip]) => {
      guest.addresses = guest.addresses.filter(address => address.ip !== ip)
    },
  ],
  [
    exactly(
      `if (-not (Get-NetRoute ${AT} -DestinationPrefix 169.254.96.0/19 -ErrorAction SilentlyContinue)) ` +
        `{New-NetRoute ${AT} -DestinationPrefix 169.254.96.0/19 -NextHop 0.0.0.0 -PolicyStore ActiveStore | Out-Null}`,
    ),
    guest => void guest.routes.add('169.254.96.0/19'),
  ],
]

/** The script with what is in brackets for a pattern. */
function exactly(script: string): RegExp {
  const parts = `$ErrorActionPreference='Stop'; ${script}`.split(
    /(\((?:IPv\[46\]|\[0-9a-f\.:\]\+|32\|128)\)|\[0-9a-f\.:\]\+)/,
  )
  return new RegExp(`^${parts.map((part, i) => (i % 2 === 1 ? part : RegExp.escape(part))).join('')}$`)
}

/** ConvertTo-Json makes no list of one. */
function few(list: readonly unknown[]): unknown {
  return list.length === 1 ? list[0] : list
}

/** A Windows guest with qemu-ga, as far as documentation goes; it refuses every command that it does not know. */
export class ModelWindows {
  addresses: Address[] = [{ ip: '192.0.2.7', skip: false, stores: ['PersistentStore', 'ActiveStore'] }]
  dhcp = false
  routes = new Set<string>()
  name = 'Ethernet 2'
  /** Scripts that have changed something. */
  trace: string[] = []
  private results = new Map<number, unknown>()

  call = async (_vm: string, json: string): Promise<unknown> => {
    const { execute, arguments: args = {} } = JSON.parse(json) as {
      execute: string
      arguments?: Record<string, unknown>
    }
    switch (execute) {
      case 'guest-sync':
        return args.id
      case 'guest-info':
        return {
          version: '107.0.1',
          supported_commands: [...COMMANDS, 'guest-exec-status'].map(name => ({ name, enabled: true })),
        }
      case 'guest-get-osinfo':
        return { id: 'mswindows', name: 'Microsoft Windows', 'version-id': '2022' }
      case 'guest-network-get-interfaces':
        return this.interfaces()
      case 'guest-exec':
        return this.exec(String(args.path), args.arg as string[])
      case 'guest-exec-status':
        return this.results.get(Number(args.pid))
      default:
        throw new CrossportError('GUEST_AGENT_ERROR', `The command ${execute} has not been found`)
    }
  }

  reboot(): void {
    this.addresses = this.addresses.filter(({ stores }) => stores.includes('PersistentStore'))
    this.routes.clear()
  }

  private interfaces(): unknown {
    const listed = this.addresses.map(({ ip }) => ({ 'ip-address': ip, 'ip-address-type': 'ipv4', prefix: 24 }))
    return [
      { name: this.name, 'hardware-address': MAC, 'ip-addresses': listed },
      {
        name: 'Loopback Pseudo-Interface 1',
        'ip-addresses': [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'ipv4' }],
      },
    ]
  }

  private exec(path: string, args: readonly string[]): unknown {
    const script = args[3] ?? ''
    if (
      path !== POWERSHELL ||
      args.slice(0, 3).join(' ') !== '-NoProfile -NonInteractive -Command' ||
      args.length !== 4
    )
      throw new CrossportError('GUEST_AGENT_ERROR', `unexpected command line: ${path} ${args.join(' ')}`)
    const found = SCRIPTS.map(([pattern, act]) => ({ match: pattern.exec(script), act })).find(
      ({ match }) => match !== null,
    )
    if (found?.match == null) throw new CrossportError('GUEST_AGENT_ERROR', `unexpected script: ${script}`)
    const printed = found.act(this, found.match)
    if (printed === undefined) this.trace.push(script)
    const pid = this.results.size + 1
    const out = printed === undefined ? '' : JSON.stringify(printed)
    this.results.set(pid, { exited: true, exitcode: 0, 'out-data': Buffer.from(out).toString('base64') })
    return { pid }
  }
}
