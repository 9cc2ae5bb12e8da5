import type { Applier } from '../../shared/apply/apply.ts'
import type { ServiceSpec } from '../../shared/config/service.ts'
import { changedItems } from '../../shared/lists.ts'
import { attemptAll } from '../../shared/run/attempt-all.ts'
import type { Outcome } from '../outcome.ts'
import type { ReadyRuns } from '../report/ready-runs.ts'
import type { Numbers } from '../stations/numbers.ts'
import type { Store } from '../store/store.ts'
import type { GuestRecords } from '../store/types.ts'

export interface MemoryOptions {
  readonly store: Store
  readonly records: GuestRecords
  readonly numbers: Pick<Numbers, 'save'>
  readonly ready: Pick<ReadyRuns, 'save'>
  readonly applier: Pick<Applier, 'save'>
}

/**
 * What the state file keeps of an outcome, for a restart. The last outlet, for acting comes before remembering: what
 * cannot be written, or not soon, keeps nobody waiting. Each kind is written when it is another object than last time.
 * Throws the first of what the store says, when all has been tried; what is not written then is written the next time.
 */
export function createMemory({ store, records, numbers, ready, applier }: MemoryOptions): (outcome: Outcome) => void {
  const saveDirector = saver(store.director(), store.setDirector)
  const saveDirectors = saver(store.directors(), store.setDirectors)
  const saveOwnAddresses = saver<ReadonlyMap<string, string>>(new Map(Object.entries(store.ownAddresses())), own =>
    store.setOwnAddresses(Object.fromEntries([...own].sort())),
  )
  const saveVmAddresses = saver<Outcome['vmAddresses']>(new Map(Object.entries(store.vmAddresses())), all =>
    store.setVmAddresses(Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)))),
  )
  const saveGuardedVips = saver<ReadonlySet<string>>(new Set(store.guardedVips()), vips =>
    store.setGuardedVips([...vips].sort()),
  )
  const saveContested = saver(store.contested(), store.setContested)
  let documents: Outcome['documents'] | undefined
  let services = store.services()
  let inventory: Outcome['inventory'] | undefined

  const saveDocuments = (byDirector: Outcome['documents']) => {
    if (byDirector !== documents) store.setDocuments(byDirector)
    documents = byDirector
  }
  const saveServices = (next: readonly ServiceSpec[]) => {
    const { gone, come } = changedItems(services, next)
    const stay = new Set(come.map(({ service }) => service))
    const left = gone.flatMap(({ service }) => (stay.has(service) ? [] : service))
    if (left.length + come.length > 0) store.changeServices(left, come)
    services = next
  }
  const saveInventory = (next: Outcome['inventory']) => {
    const { synced, domains, unreadable = [] } = next
    if (!synced || next === inventory) return
    store.setDomains(domains)
    // A VM that libvirt no longer knows took with it what it was given. One that cannot be read is there.
    const known = new Set([...domains, ...unreadable].map(({ uuid }) => uuid))
    for (const { vmUuid, mac, vip } of records.list()) if (!known.has(vmUuid)) records.remove(vmUuid, mac, vip)
    inventory = next
  }

  return outcome => {
    const { active, all } = outcome.directors
    const writes = [
      () => saveInventory(outcome.inventory),
      () => saveDirectors(all),
      () => active !== undefined && saveDirector(active),
      () => saveDocuments(outcome.documents),
      () => saveContested(outcome.contested),
      () => saveServices(outcome.inForce),
      () => store.serviceFiles.save(outcome.files),
      numbers.save,
      store.vipNumbers.save,
      ready.save,
      () => saveOwnAddresses(outcome.ownAddresses),
      () => {
        // An address without the guard that was there before it would count as the VM's own after a restart.
        saveGuardedVips(outcome.guardedVips)
        saveVmAddresses(outcome.vmAddresses)
      },
      applier.save,
    ]
    const errors = attemptAll(writes, write => void write())
    if (errors.length > 0) throw errors[0]
  }
}

/** Writes what says something else than `first`, or than what was written last. */
function saver<T>(first: T | undefined, write: (value: T) => void): (value: T) => void {
  const plain = (value: T | undefined) =>
    JSON.stringify(value instanceof Map || value instanceof Set ? [...value] : value)
  let last = first
  return value => {
    if (value === last) return
    if (plain(value) !== plain(last)) write(value)
    last = value
  }
}
