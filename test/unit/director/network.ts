import type { ChildProcess } from 'node:child_process'
import test, { type ExecutionContext } from 'ava'
import { type Cleanup, end } from '../../segment/cleanup.ts'
import { type DirectorSwitch, startDirectorSwitch } from '../../segment/director.ts'
import { type Namespace, type Space, startSegment } from '../../segment/segment.ts'
import { fileCleanup } from '../cleanup.ts'

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

interface NetworkOptions {
  readonly hosts?: number
  /**
   * On COUNT ports from 8080 on, each host answers HTTP: with web-0, web-1, or on several ports with web-0-0, web-0-1 and so on.
   */
  readonly ports?: number
}

/** One network for all tests of a file, one after the other; each gets it in its initial state. */
export function networkForFile({
  hosts = 2,
  ports = 1,
}: NetworkOptions = {}): (t: ExecutionContext) => Promise<Network> {
  const cleanup = fileCleanup()
  let network: Network
  test.before(async () => {
    network = await startNetwork(cleanup, hosts)
    if (ports === 0) return
    const count = ports === 1 ? [] : [String(ports)]
    const serve = (host: Space, i: number) =>
      startProgram(cleanup, host, /listening/, program('web-server', '8080', `web-${i}`, ...count))
    await Promise.all(network.hosts.map(serve))
  })
  return async t => {
    t.timeout(60_000)
    await network.ofctl(['replace-flows', '-'], 'priority=0,actions=NORMAL')
    await network.ofctl(['del-groups'])
    await network.ofctl(['del-meters'])
    await network.vsctl(
      ...['--all', 'destroy', 'Flow_Sample_Collector_Set', '--', 'clear', 'Open_vSwitch', '.', 'datapaths'],
    )
    await network.appctl('dpctl/flush-conntrack')
    // Cached flows of the last test may outlive a change where they overlap with newer ones.
    await network.appctl('revalidator/purge')
    return network
  }
}

async function startNetwork(cleanup: Cleanup, hostCount: number): Promise<Network> {
  const segment = await startSegment(cleanup)
  const startHost = async (n: number) => {
    const host = await segment.plug('eth0', 20 + n)
    // By its path, because npm has another nft.
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

/** Starts a program in a space; resolves when its output matches. */
export async function startProgram(
  cleanup: Cleanup,
  where: Namespace,
  ready: RegExp,
  command: readonly string[],
): Promise<ChildProcess> {
  const child = where.start(command, { output: 'pipe' })
  cleanup.defer(() => end(child))
  // Ending an iteration over the output would close it, and the child would die at its next line.
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

/** The command line of a test program. */
export const program = (name: string, ...args: string[]): string[] => {
  return [process.execPath, new URL(`programs/${name}.ts`, import.meta.url).pathname, ...args]
}

/** How many of these requests, each on a connection of its own, each real server has answered, in the order of first answers. */
export async function curl({ client }: Network, times: number, atATime = 1): Promise<Map<string, number>> {
  const urls = `'http://${VIP}/[1-${times / atATime}]'`
  const script = `seq ${atATime} | xargs -P ${atATime} -I _ curl -sS --fail-early --max-time 30 ${urls}`
  const counts = new Map<string, number>()
  for (const name of (await client.run(script)).split('\n')) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
