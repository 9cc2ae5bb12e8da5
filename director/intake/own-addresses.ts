import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { formatIpv4 } from '../../shared/address/ipv4.ts'

export interface OwnAddresses {
  readonly own: ReadonlySet<string>
  /** Next hops of its routes. */
  readonly gateways: ReadonlySet<string>
}

/** Addresses of this machine, and of its gateways. */
export function readOwnAddresses(): OwnAddresses {
  const own = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return { own: new Set(own.map(({ address }) => address)), gateways: new Set(gatewaysOf(readRoutes())) }
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'utf8')
  } catch {
    return ''
  }
}

/** Next hops of a table as in /proc/net/route (proc_net(5)): hexadecimal, in the byte order of the machine. */
export function gatewaysOf(routes: string): readonly string[] {
  return routes
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const hex = line.split('\t')[2]
      if (hex === undefined || !/^[0-9A-F]{8}$/.test(hex) || hex === '00000000') return []
      return formatIpv4(Buffer.from(hex, 'hex').readUInt32LE())
    })
}
