import { changedItems } from '../../shared/lists.ts'
import type { Domain } from '../inventory/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { GuestRecord } from '../store/types.ts'
import { guestTargets, type TargetInput } from './targets.ts'
import type { GuestTarget } from './types.ts'

export interface TargeterInput extends Omit<TargetInput, 'realServers'> {
  /** Real servers that are gone since the last update, and those that are new. */
  readonly gone: readonly RealServer[]
  readonly come: readonly RealServer[]
  /** True when every VIP is shielded, so that `shielded` need not be called. */
  readonly allShielded: boolean
}

/**
 * The incremental form of targets.ts, VM by VM: the targets of a VM depend only on its own real servers and records. An unchanged
 * target stays the same object.
 */
export function createTargeter(): (input: TargeterInput) => readonly GuestTarget[] {
  const realServers = new Map<string, Map<string, RealServer>>()
  const targets = new Map<string, readonly GuestTarget[]>()
  let domains: readonly Domain[] = []
  let byUuid = new Map<string, Domain>()
  let records: readonly GuestRecord[] = []
  let recordsOf = new Map<string, GuestRecord[]>()
  let sure = false
  let swept = false
  let list: readonly GuestTarget[] = []

  const dirtyVms = (input: TargeterInput): Set<string> => {
    const dirty = new Set<string>()
    for (const { vm, key } of input.gone) {
      realServers.get(vm.uuid)?.delete(key)
      dirty.add(vm.uuid)
    }
    for (const realServer of input.come) {
      const { uuid } = realServer.vm
      const mine = realServers.get(uuid)
      if (mine === undefined) realServers.set(uuid, new Map([[realServer.key, realServer]]))
      else mine.set(realServer.key, realServer)
      dirty.add(uuid)
    }
    if (input.domains !== domains) {
      const { gone, come } = changedItems(domains, input.domains)
      for (const { uuid } of [...gone, ...come]) dirty.add(uuid)
      domains = input.domains
      byUuid = new Map(domains.map(domain => [domain.uuid, domain]))
    }
    if (input.records !== records) {
      const { gone, come } = changedItems(records, input.records)
      for (const { vmUuid } of [...gone, ...come]) dirty.add(vmUuid)
      records = input.records
      recordsOf = Map.groupBy(records, record => record.vmUuid)
    }
    // While flows are refused or unconfirmed, any VIP may have lost or gained its shield.
    if (!sure || !input.allShielded || input.sweep !== swept)
      for (const uuid of [...realServers.keys(), ...recordsOf.keys(), ...targets.keys()]) dirty.add(uuid)
    sure = input.allShielded
    swept = input.sweep
    return dirty
  }

  return input => {
    const dirty = dirtyVms(input)
    const shielded = input.allShielded ? () => true : input.shielded
    for (const uuid of dirty) {
      const domain = byUuid.get(uuid)
      const mine = [...(realServers.get(uuid)?.values() ?? [])]
      const now = guestTargets({
        realServers: mine,
        domains: domain === undefined ? [] : [domain],
        records: recordsOf.get(uuid) ?? [],
        probeNetwork: input.probeNetwork,
        sweep: input.sweep,
        shielded,
      })
      if (JSON.stringify(now) === JSON.stringify(targets.get(uuid) ?? [])) dirty.delete(uuid)
      else if (now.length === 0) targets.delete(uuid)
      else targets.set(uuid, now)
      if (mine.length === 0) realServers.delete(uuid)
    }
    if (dirty.size > 0) list = [...targets.values()].flat()
    return list
  }
}
