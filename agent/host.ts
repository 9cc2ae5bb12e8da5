import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'

/**
 * The host's own address in the underlay: the source that the kernel picks for packets to the first director, else the
 * bridge's first IPv4 address. Sends nothing (udp connect(2) only looks up the route).
 *
 * @returns undefined when the host has none yet.
 */
export async function findHostIp(bridge: string, director: string | undefined): Promise<string | undefined> {
  const routed = director === undefined ? undefined : await routeSource(director)
  return routed ?? networkInterfaces()[bridge]?.find(address => address.family === 'IPv4')?.address
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
    socket.connect(Number(port), host, () => done(socket.address().address))
  })
}
