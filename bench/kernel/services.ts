import type { ServiceSpec } from '../../shared/config/service.ts'
import { spec } from '../../test/unit/real-servers/fixtures.ts'
import { HOST_WAYS, MANY, MANY_PORTS, VMS, type Way } from './ways.ts'

export interface Service {
  readonly spec: ServiceSpec
  /** So many connections come that shares decide instead of turns. */
  readonly highRate: boolean
}

/** TCP with a translated port, and UDP for packets without a connection; TCP only for many real servers. */
export function servicesOf({ name, address, crossport }: Way, many: boolean): Service[] {
  const { scheduler, highRate } = crossport!
  const common = { vip: address, scheduler, source: { origin: 'file', file: `${address}.yaml`, line: 1 } } as const
  const service = `${name} ${address}`
  if (many) {
    const realServers = Array.from({ length: MANY }, (_, i) => {
      return { vm: `web-${1 + (i % VMS.length)}`, port: MANY_PORTS + i, weight: 1 }
    })
    return [{ spec: spec({ ...common, service, realServers }), highRate }]
  }
  const udp = { service: `${service} udp`, port: 5353, protocol: 'udp' } as const
  return [
    { spec: spec({ ...common, service }), highRate },
    { spec: spec({ ...common, ...udp, realServers: [{ vm: 'web-*', port: 5353, weight: 1 }] }), highRate },
  ]
}

/** For HOST_WAYS: no port is translated on the way to the host or back. */
export const HOST_SPECS: readonly ServiceSpec[] = HOST_WAYS.map(({ name, address }) =>
  spec({
    service: name,
    vip: address,
    realServers: [{ vm: 'web-1', port: 80, weight: 1 }],
    source: { origin: 'file', file: `${address}.yaml`, line: 1 },
  }),
)
