import type { GuestManager } from './guest/manager.ts'
import type { Domain } from './inventory/types.ts'
import type { RealServer } from './real-servers/types.ts'
import type { Told } from './report/reports.ts'
import type { Store } from './store/store.ts'
import type { GuestRecord } from './store/types.ts'

/** Which real servers were ready in which run of their VM; kept in SQLite, for an agent that starts again. */
export function createReadyMemory(store: Pick<Store, 'readyRuns' | 'changeReadyRuns'>) {
  const runs = new Map(store.readyRuns())
  return {
    was: (realServer: RealServer): boolean =>
      realServer.vm.runId !== undefined && runs.get(realServer.key) === realServer.vm.runId,
    remember: (changed: readonly Told[], gone: readonly string[]): void => {
      const changes = new Map<string, number | undefined>(
        gone.filter(key => runs.has(key)).map(key => [key, undefined]),
      )
      for (const { realServer, report } of changed) {
        const run = report.state === 'ready' || report.state === 'draining' ? realServer.vm.runId : undefined
        if (runs.get(realServer.key) !== run) changes.set(realServer.key, run)
      }
      if (changes.size === 0) return
      store.changeReadyRuns(changes)
      for (const [key, run] of changes) {
        if (run === undefined) runs.delete(key)
        else runs.set(key, run)
      }
    },
  }
}

/**
 * The VMs' own addresses, which their shields carry: as the guest says, and until it has been asked as it said before, so
 * that an agent that starts again changes nothing.
 */
export function createAddressMemory(
  store: Pick<Store, 'ownAddresses' | 'setOwnAddresses'>,
  guest: Pick<GuestManager, 'status' | 'changes'>,
) {
  let known: ReadonlyMap<string, string> = new Map(Object.entries(store.ownAddresses()))
  let saved = known
  let last: readonly [readonly Domain[], readonly GuestRecord[], number] | undefined
  return {
    /** By `uuid/mac`, of all NICs of these VMs; the same object while nothing changes. */
    of: (domains: readonly Domain[], records: readonly GuestRecord[]): ReadonlyMap<string, string> => {
      const input = [domains, records, guest.changes] as const
      if (last?.every((value, i) => value === input[i])) return known
      last = input
      const next = new Map<string, string>()
      const ask = (vmUuid: string, mac: string) => {
        const name = `${vmUuid}/${mac}`
        const address = guest.status(vmUuid, mac)?.ownAddresses[0] ?? known.get(name)
        if (address !== undefined) next.set(name, address)
      }
      for (const { uuid, nics } of domains) for (const { mac } of nics) ask(uuid, mac)
      for (const { vmUuid, mac } of records) ask(vmUuid, mac)
      if (next.size !== known.size || [...next].some(([name, address]) => known.get(name) !== address)) known = next
      return known
    },
    remember: (): void => {
      if (saved === known) return
      store.setOwnAddresses(Object.fromEntries([...known].sort()))
      saved = known
    },
  }
}
