import type { CtZoneTimeouts } from '../../shared/ovsdb/ct-timeout-policies.ts'
import type { CompiledService } from '../compile/types.ts'
import type { ConnectionTimeouts } from '../config.ts'
import { turnTimeouts, zoneTimeouts } from './conntrack.ts'

/** Knows the timeouts of all services' zones, and whether the database has to be asked about them. */
export interface Zones {
  update(change: { readonly altered: readonly CompiledService[]; readonly gone: readonly CompiledService[] }): void
  /** All of them, when they are not what was brought into force last; undefined: nothing to do. */
  due(datapathType: string): readonly CtZoneTimeouts[] | undefined
  inForce(datapathType: string): void
  /** What is in force is not known any more. */
  distrust(): void
}

export function createZones(timeouts: ConnectionTimeouts): Zones {
  const byService = new Map<number, { readonly text: string; readonly service: CompiledService }>()
  let settled: string | undefined
  return {
    update: ({ altered, gone }) => {
      for (const { number } of gone) if (byService.delete(number)) settled = undefined
      for (const service of altered) {
        const text = JSON.stringify(zoneTimeouts([service], timeouts, ''))
        if (byService.get(service.number)?.text === text) continue
        byService.set(service.number, { text, service })
        settled = undefined
      }
    },
    due: datapathType => {
      if (settled === datapathType) return undefined
      const own = [...byService.values()].flatMap(({ service }) => zoneTimeouts([service], timeouts, datapathType))
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
