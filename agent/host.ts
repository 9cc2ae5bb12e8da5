import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** Another with each start of the machine, and on each machine (random(4)); empty where the kernel does not tell. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

export interface HostIpQuery {
  /** `host:port`, in the order of the configuration. */
  readonly directors: readonly string[]
  /** Its address is taken where no director can be routed to; undefined: a bridge's address is not in the underlay. */
  readonly bridge: string | undefined
  /** What was found before: it stays as long as it is an address of this host and no route says otherwise. */
  readonly known: string | undefined
}

/**
 * The host's own address in the underlay: the source that the kernel picks for packets to the first director that it has a
 * route to, else the one of before, else the bridge's first IPv4 address. A loopback address is nobody's but this host's. Sends
 * nothing (udp connect(2) only looks up the route).
 *
 * @returns undefined when the host has none yet.
 */
export async function findHostIp({ directors, bridge, known }: HostIpQuery): Promise<string | undefined> {
  for (const director of directors) {
    const source = await routeSource(director)
    if (source !== undefined && !source.startsWith('127.')) return source
  }
  const interfaces = networkInterfaces()
  if (Object.values(interfaces).some(addresses => addresses?.some(({ address }) => address === known))) return known
  return bridge === undefined ? undefined : interfaces[bridge]?.find(({ family }) => family === 'IPv4')?.address
}

function routeSource(director: string): Promise<string | undefined> {
  const [host = '', port = '7473'] = director.split(':')
  return new Promise(resolve => {
    const socket = createSocket('udp4')
    const done = (address: string | undefined) => {
      socket.close()
      resolve(address)
    }
    socket.once('error', () => done(undefined))
    // Called with an error where there is no route, and then the socket's address is 0.0.0.0.
    socket.connect(Number(port), host, (error?: Error) => done(error ? undefined : socket.address().address))
  })
}
