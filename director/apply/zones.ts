import type { CtZoneTimeouts } from '../../shared/ovsdb/ct-timeout-policies.ts'
import type { CompiledService } from '../compile/types.ts'
import type { ConnectionTimeouts } from '../config.ts'
import { turnTimeouts, zoneTimeouts } from './conntrack.ts'

/** Keeps the timeouts of all services' zones, and knows whether they have to be written to the database. */
export interface Zones {
  update(change: { readonly altered: readonly CompiledService[]; readonly gone: readonly CompiledService[] }): void
  /** The timeouts of all zones if they differ from those last written; undefined: nothing to do. */
  due(datapathType: string): readonly CtZoneTimeouts[] | undefined
  inForce(datapathType: string): void
  /** Forgets which timeouts are in force. */
  distrust(): void
}

export function createZones(timeouts: ConnectionTimeouts): Zones {
  const byService = new Map<number, { readonly text: string; readonly service: CompiledService }>()
  let settled: string | undefined
  return {
    update: ({ altered, gone }) => {
      for (const { number } of gone) if (byService.delete(number)) settled = undefined
      for (const service of altered) {
        const text = JSON.stringify(zoneTimeouts([service], timeouts))
        if (byService.get(service.number)?.text === text) continue
        byService.set(service.number, { text, service })
        settled = undefined
      }
    },
    due: datapathType => {
      if (settled === datapathType) return undefined
      const own = [...byService.values()].flatMap(({ service }) => zoneTimeouts([service], timeouts))
      return own.length === 0 ? own : [turnTimeouts, ...own]
    },
    inForce: datapathType => {
      settled = datapathType
    },
    distrust: () => {
      settled = undefined
    },
  }
}
