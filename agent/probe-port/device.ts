import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'
import { CrossportError } from '../../shared/errors.ts'

const run = promisify(execFile)

const deviceReply = z
  .array(
    z.object({
      flags: z.array(z.string()),
      addr_info: z.array(z.object({ family: z.string(), local: z.string(), prefixlen: z.int() })),
    }),
  )
  .min(1)

/**
 * Sets up the probe port's network device with its link-local address and without ARP (it talks to flows, not to neighbours).
 * Reads first (ip-address(8), ip-link(8)) and changes only what differs. Returns true when something has changed. Throws
 * PROBE_DEVICE with ip's own words.
 */
export async function setUpDevice(name: string, address: string): Promise<boolean> {
  const [device] = deviceReply.parse(JSON.parse(await ip('-json', 'address', 'show', 'dev', name)))
  const has = device!.addr_info.filter(info => info.family === 'inet').map(info => `${info.local}/${info.prefixlen}`)
  const ready = device!.flags.includes('UP') && device!.flags.includes('NOARP')
  if (ready && has.includes(address)) return false
  for (const old of has) if (old !== address) await ip('address', 'del', old, 'dev', name)
  // No IPv6 address, so that the kernel sends nothing on this device by itself.
  await ip('link', 'set', 'dev', name, 'addrgenmode', 'none').catch(() => {})
  await ip('link', 'set', 'dev', name, 'arp', 'off', 'up')
  await ip('address', 'replace', address, 'dev', name, 'scope', 'link')
  return true
}

async function ip(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' }
  try {
    const { stdout } = await run('ip', args, { env, timeout: 10_000 })
    return stdout
  } catch (cause) {
    const { stderr = '', message } = cause as { stderr?: string; message: string }
    const words = stderr.trim().replace(/^RTNETLINK answers: /, '') || message
    throw new CrossportError('PROBE_DEVICE', `ip ${args.join(' ')}: ${words}`, { cause })
  }
}
