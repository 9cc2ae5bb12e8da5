import { endpoint } from '../../shared/net/family.ts'
import type { CompiledService } from '../compile/types.ts'

interface Index {
  readonly byEndpoint: ReadonlyMap<string, CompiledService>
  readonly byZone: ReadonlyMap<number, CompiledService>
}

/** Services are indexed once per list, because a storm of packets looks up thousands a second. */
const indexes = new WeakMap<readonly CompiledService[], Index>()

function indexOf(services: readonly CompiledService[]): Index {
  const known = indexes.get(services)
  if (known !== undefined) return known
  const index = {
    byEndpoint: new Map(services.map(one => [keyOf(one.protocol, one.vip, one.port), one])),
    byZone: new Map(services.map(one => [one.zone, one])),
  }
  indexes.set(services, index)
  return index
}

const keyOf = (protocol: string, vip: string, port: number) => `${protocol} ${endpoint(vip, port)}`

/** The service at a VIP and port. */
export function serviceAt(
  services: readonly CompiledService[],
  protocol: CompiledService['protocol'],
  vip: string,
  port: number,
): CompiledService | undefined {
  return indexOf(services).byEndpoint.get(keyOf(protocol, vip, port))
}

/** The service whose connections are in a conntrack zone. */
export function serviceOfZone(services: readonly CompiledService[], zone: number): CompiledService | undefined {
  return indexOf(services).byZone.get(zone)
}
