import { type ChildProcess, spawn } from 'node:child_process'
import { execa } from 'execa'

/** The other end of a guest's NIC, in a namespace of its own, with what listens and answers there. */
export interface Wire {
  /** Makes the guest's namespace, with eth0 in it. */
  plug(): Promise<void>
  unplug(): Promise<void>
  run(...argv: readonly string[]): Promise<string>
  /** `ip -o address` of the guest's NIC. */
  addresses(): Promise<string>
  /** What `ip monitor address` has said of the guest so far. */
  changes(): string
  /** All ARP and ND so far, as tcpdump prints it. */
  heard(): string
  close(): Promise<void>
}

export interface WireOptions {
  readonly guestSpace: string
  readonly wireSpace: string
  /** Of eth0. */
  readonly mac: string
  /** Root file system that has dnsmasq. */
  readonly tools: string
  readonly dhcp: boolean
}

/** Runs ip(8) with the words of this line. */
const ip = (line: string) => execa('ip', line.split(' '))

export async function createWire({ guestSpace, wireSpace, mac, tools, dhcp }: WireOptions): Promise<Wire> {
  let children: ChildProcess[] = []
  let heard = ''
  let changes = ''
  const start = (line: string, space = wireSpace): ChildProcess => {
    const argv = ['netns', 'exec', space, ...line.split(' ')]
    const child = spawn('ip', argv, { stdio: ['ignore', 'pipe', 'ignore'] })
    children.push(child)
    return child
  }
  const unplug = async () => {
    for (const child of children) child.kill()
    await Promise.all(children.map(ended))
    children = []
    await ip(`netns delete ${guestSpace}`).catch(() => {})
    // The end of the namespace takes the link along, but not at once.
    await ip(`-n ${wireSpace} link delete wire`).catch(() => {})
  }
  await ip(`netns add ${wireSpace}`)
  return {
    plug: async () => {
      await ip(`netns add ${guestSpace}`)
      await ip(`-n ${wireSpace} link add wire type veth peer name eth0 netns ${guestSpace} address ${mac}`)
      await ip(`-n ${wireSpace} address add 172.30.0.1/24 dev wire`)
      await ip(`-n ${wireSpace} link set wire up`)
      start('tcpdump -i wire -l -n arp or icmp6').stdout?.on('data', chunk => {
        heard += chunk
      })
      start('ip -o monitor address', guestSpace).stdout?.on('data', chunk => {
        changes += chunk
      })
      if (!dhcp) return
      // A veth leaves checksums to hardware that there is not, and DHCP clients check them.
      await execa('ip', ['netns', 'exec', wireSpace, 'ethtool', '-K', 'wire', 'tx', 'off'])
      start(
        `chroot ${tools} dnsmasq --keep-in-foreground --no-daemon --port=0 --leasefile-ro --interface=wire ` +
          '--bind-dynamic --dhcp-range=172.30.0.100,172.30.0.200,2m --user=root --conf-file=/dev/null',
      )
    },
    unplug,
    run: async (...argv) => (await execa('ip', ['netns', 'exec', wireSpace, ...argv], { reject: false })).stdout,
    addresses: async () => (await ip(`-n ${guestSpace} -o address show dev eth0`)).stdout,
    changes: () => changes,
    heard: () => heard,
    close: async () => {
      await unplug()
      await ip(`netns delete ${wireSpace}`).catch(() => {})
    },
  }
}

export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => child.once('close', () => resolve()))
}
