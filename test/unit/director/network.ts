import type { ChildProcess } from 'node:child_process'
import type { ExecutionContext } from 'ava'
import { type DirectorSwitch, startDirectorSwitch } from '../../segment/director.ts'
import { type Namespace, type Space, startSegment } from '../../segment/segment.ts'
import { cleanupOf } from '../cleanup.ts'

/**
 * A segment with a client, hosts that hold the VIP without answering ARP for it, as agents make them behave (replies
 * leave with the VIP's port), and a director's switch.
 */
export interface Network extends DirectorSwitch {
  readonly client: Space
  readonly hosts: readonly Space[]
}

export const VIP = '10.10.1.100'
export const CLIENT = '10.10.1.10'

export async function startNetwork(t: ExecutionContext, hostCount = 2): Promise<Network> {
  const segment = await startSegment(cleanupOf(t))
  const startHost = async (n: number) => {
    const host = await segment.plug('eth0', 20 + n)
    // By its path: npm has another nft.
    await host.run(
      `sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
      ip address add ${VIP}/32 dev lo && /usr/sbin/nft -f -`,
      `add table ip agent
      add chain ip agent reply { type filter hook output priority -300; }
      add rule ip agent reply tcp sport 8080-8109 notrack tcp sport set 80`,
    )
    return host
  }
  const [client, sw, ...hosts] = await Promise.all([
    segment.plug('eth0', 10),
    startDirectorSwitch(segment),
    ...Array.from({ length: hostCount }, (_, n) => startHost(n)),
  ])
  return { ...sw, client, hosts }
}

/** Starts a program there that says something; resolves when that matches. */
export async function startProgram(where: Namespace, ready: RegExp, command: readonly string[]): Promise<ChildProcess> {
  const child = where.start(command, { output: 'pipe' })
  // Ending an iteration over the output would close it, and the child would die of the next line.
  await new Promise<void>((resolve, reject) => {
    let text = ''
    const look = (chunk: unknown) => {
      text += String(chunk)
      if (ready.test(text)) resolve()
    }
    child.stdout!.on('data', look)
    child.stderr!.on('data', look)
    child.once('exit', () => reject(new Error(`ended before it was ready: ${text}`)))
  })
  return child
}

/** The command line of a program of these tests. */
export const program = (name: string, ...args: string[]): string[] => {
  return [process.execPath, new URL(`programs/${name}.ts`, import.meta.url).pathname, ...args]
}
