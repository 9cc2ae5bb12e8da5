import { z } from 'zod'
import { CrossportError } from '../../../shared/errors.ts'
import { canonical, familyOf } from '../../../shared/net/family.ts'
import { isAgentError, type KernelAddress } from '../ip.ts'
import type { Owner } from '../owners/types.ts'
import type { Qga } from '../qga.ts'
import { checked } from '../replies.ts'
import type { GuestSystem } from './types.ts'

const POWERSHELL = String.raw`C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
const ARGUMENTS = ['-NoProfile', '-NonInteractive', '-Command'] as const
/** PowerShell takes seconds to start. */
const TIMEOUT_MS = 30_000
/** So that a script ends at its first error, and with an exit code that says so. */
const STRICT = "$ErrorActionPreference='Stop'; "

/**
 * The name of an interface is any text. It comes from the guest and becomes part of a script, so that it has no character that could
 * end a text in quotes there; PowerShell takes typographic quotes for quotes.
 */
const NAME = /^[^\p{C}'‘’‚‛"“”„`$]{1,64}$/u

/** An interface's settings, by cmdlets of the module NetTCPIP. netsh would answer in the guest's language. */
const at = (nic: string) => `-InterfaceAlias '${nic}'`
const bits = (vip: string) => familyOf(vip).bits

const addressesReply = z.union([
  z.array(z.object({ IPAddress: z.string().max(64), SkipAsSource: z.boolean() })).max(4096),
  z.object({ IPAddress: z.string().max(64), SkipAsSource: z.boolean() }).transform(one => [one]),
])

const familiesReply = z.union([
  z.array(z.object({ Family: z.string().max(16), Dhcp: z.string().max(16) })).max(16),
  z.object({ Family: z.string().max(16), Dhcp: z.string().max(16) }).transform(one => [one]),
])

/**
 * Windows keeps addresses itself, in a persistent store beside the active one (New-NetIPAddress). An interface whose addresses come
 * by DHCP takes no address of its own into the persistent store, and what would allow it changes the interface for its owner.
 */
const owner: Owner = {
  name: 'Windows',
  detect: async ({ nic, run }) => {
    const text = await run(POWERSHELL, ...ARGUMENTS, STRICT + families(nic))
    if (text === undefined) return undefined
    const byDhcp = new Set(
      parse(familiesReply, text).flatMap(({ Family, Dhcp }) => (Dhcp === 'Enabled' ? [Family] : [])),
    )
    return {
      owner: 'Windows',
      why: `Windows keeps the addresses of ${nic} itself`,
      edits: vip =>
        byDhcp.has(familyOf(vip).name)
          ? `${nic} has its ${familyOf(vip).name} addresses by DHCP, and Windows then keeps no other`
          : [[]],
    }
  },
}

const families = (nic: string) =>
  `Get-NetIPInterface ${at(nic)} | Select-Object @{n='Family';e={"$($_.AddressFamily)"}},@{n='Dhcp';e={"$($_.Dhcp)"}} | ConvertTo-Json -Compress`

/** Written by Microsoft's documentation, and never run on Windows. */
export const WINDOWS: GuestSystem = {
  owners: [owner],
  environment: [],
  isName: name => NAME.test(name),
  readAddresses: async (qga, nic) => {
    const script = `Get-NetIPAddress ${at(nic)} | Select-Object IPAddress,SkipAsSource | ConvertTo-Json -Compress`
    return parse(addressesReply, await powershell(qga, script)).flatMap(
      ({ IPAddress, SkipAsSource }): KernelAddress[] => {
        const address = canonical(IPAddress.split('%', 1)[0] ?? '')
        return address === undefined
          ? []
          : [{ address, scope: SkipAsSource ? 'host' : 'global', deprecated: SkipAsSource }]
      },
    )
  },
  addAddress: async (qga, vip, nic) => {
    const family = familyOf(vip).name
    await powershell(
      qga,
      `$store=@{}; if ((Get-NetIPInterface ${at(nic)} -AddressFamily ${family}).Dhcp -eq 'Enabled') {$store.PolicyStore='ActiveStore'}; ` +
        `New-NetIPAddress ${at(nic)} -IPAddress ${vip} -PrefixLength ${bits(vip)} -SkipAsSource $true @store | Out-Null`,
    )
  },
  restrictAddress: async (qga, vip, nic) => {
    await powershell(qga, `Set-NetIPAddress ${at(nic)} -IPAddress ${vip} -SkipAsSource $true`)
  },
  removeAddress: async (qga, vip, nic) => {
    await powershell(qga, inStores('NetIPAddress', `${at(nic)} -IPAddress ${vip}`))
  },
  addRoute: async (qga, network, nic) => {
    const route = `${at(nic)} -DestinationPrefix ${network}`
    await powershell(
      qga,
      `if (-not (Get-NetRoute ${route} -ErrorAction SilentlyContinue)) ` +
        `{New-NetRoute ${route} -NextHop 0.0.0.0 -PolicyStore ActiveStore | Out-Null}`,
    )
  },
  removeRoute: async (qga, network, nic) => {
    await powershell(qga, inStores('NetRoute', `${at(nic)} -DestinationPrefix ${network}`))
  },
}

/** Removes an object from both stores, where it is there. */
function inStores(noun: string, which: string): string {
  return (
    "foreach ($store in 'ActiveStore','PersistentStore') " +
    `{if (Get-${noun} ${which} -PolicyStore $store -ErrorAction SilentlyContinue) ` +
    `{Remove-${noun} ${which} -PolicyStore $store -Confirm:$false}}`
  )
}

/** Runs a script and returns what it prints. Throws GUEST_COMMAND_FAILED with PowerShell's own words. */
async function powershell(qga: Qga, script: string): Promise<string> {
  const command = script.slice(0, 200)
  try {
    const { exitCode, stdout, stderr } = await qga.exec(POWERSHELL, [...ARGUMENTS, STRICT + script], {
      timeoutMs: TIMEOUT_MS,
    })
    if (exitCode === 0) return stdout
    const words = stderr.trim() || `exit code ${exitCode}`
    throw new CrossportError('GUEST_COMMAND_FAILED', `powershell ${command}: ${words}`)
  } catch (cause) {
    if (!isAgentError(cause)) throw cause
    throw new CrossportError('GUEST_COMMAND_FAILED', `${POWERSHELL} cannot be run: ${cause.message}`, { cause })
  }
}

/** ConvertTo-Json prints nothing for nothing, and no list for one. */
function parse<T>(schema: z.ZodType<T>, text: string): T {
  let value: unknown
  try {
    value = JSON.parse(text.trim() || '[]')
  } catch (cause) {
    throw new CrossportError('GUEST_REPLY_INVALID', 'PowerShell answered no JSON', { cause })
  }
  return checked(schema, 'PowerShell', value)
}
