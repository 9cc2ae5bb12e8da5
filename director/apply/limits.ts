import {
  countByZone,
  limitEntries,
  mostEntries,
  unlimitEntries,
  type VswitchdOptions,
} from '../../shared/switch/vswitchd.ts'
import type { CompiledService } from '../compile/types.ts'

/**
 * Limits of the services' zones in the userspace connection table, so that a flood of one service's connections leaves room for
 * the others'. A connection that finds its zone full goes on without an entry, and is recalled with each packet.
 */
export interface Limits {
  update(change: { readonly altered: readonly CompiledService[]; readonly gone: readonly CompiledService[] }): void
  /** Sets what is not set. A failure is only logged: services work without. */
  ensure(datapathType: string): Promise<void>
  /** Forgets what has been set: vswitchd does not save it. */
  distrust(): void
  /** Most entries of one zone; undefined: there is no limit in force. */
  readonly most: number | undefined
  /** Entries of these zones, by zone. */
  count(zones: readonly number[]): Promise<ReadonlyMap<number, number>>
}

/** Part of the table that one zone may fill. */
const SHARE = 0.5

/** `most`: as the operator has configured it; undefined: a part of the table. */
export function createLimits(options: VswitchdOptions, most: number | undefined): Limits {
  const zonesOfService = new Map<number, readonly number[]>()
  const set = new Set<number>()
  let inForce: number | undefined
  let failed = false
  return {
    update: ({ altered, gone }) => {
      for (const { number } of gone) zonesOfService.delete(number)
      for (const service of altered) zonesOfService.set(service.number, zonesOf(service))
    },
    ensure: async datapathType => {
      if (datapathType !== 'netdev' || failed) return
      const wanted = new Set([...zonesOfService.values()].flat())
      const [missing, over] = [[...wanted.difference(set)], [...set.difference(wanted)]]
      if (missing.length + over.length === 0) return
      try {
        inForce ??= most ?? Math.floor((await mostEntries(options)) * SHARE)
        await limitEntries(options, missing, inForce)
        await unlimitEntries(options, over)
        for (const zone of missing) set.add(zone)
        for (const zone of over) set.delete(zone)
      } catch (err) {
        failed = true
        options.log.warn('connections of one service may fill the whole connection table: it cannot be limited', {
          err,
        })
      }
    },
    distrust: () => {
      set.clear()
      inForce = undefined
      failed = false
    },
    get most() {
      return inForce
    },
    count: zones =>
      countByZone(
        options,
        zones.filter(zone => set.has(zone)),
      ),
  }
}

/** The zones of a service's connections and of its clients. */
export function zonesOf({ zone, persistence }: CompiledService): readonly number[] {
  return persistence === undefined ? [zone] : [zone, persistence.zone]
}
