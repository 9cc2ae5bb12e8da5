import type { Inputs } from '../inputs.ts'
import type { Domain } from '../inventory/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { Store } from '../store/store.ts'
import type { GuestRecords } from '../store/types.ts'
import type { Contested } from './combine.ts'

/** Inputs that are kept for a restart, each written when it is another object than last time. Throws as the store does. */
export function createSavedInputs(store: Store, records: GuestRecords) {
  let lastDomains: readonly Domain[] | undefined
  let lastActive = store.director()
  let lastDirectors = store.directors()
  let lastDocuments: Inputs['documents']['byDirector'] | undefined
  let lastContested = JSON.stringify(store.contested())

  const saveDirectors = ({ active, all }: Inputs['directors']) => {
    if (JSON.stringify([...all]) !== JSON.stringify([...lastDirectors])) store.setDirectors(all)
    lastDirectors = all
    if (active !== undefined && JSON.stringify(active) !== JSON.stringify(lastActive)) store.setDirector(active)
    lastActive = active
  }
  const saveDocuments = ({ byDirector }: Inputs['documents'], contested: Contested) => {
    if (byDirector !== lastDocuments) store.setDocuments(byDirector)
    lastDocuments = byDirector
    const text = JSON.stringify(contested)
    if (text !== lastContested) store.setContested(contested)
    lastContested = text
  }
  const saveDomains = ({ synced, domains }: Inputs['inventory']) => {
    if (!synced || domains === lastDomains) return
    store.setDomains(domains)
    // A VM that libvirt no longer knows took with it what it was given.
    const known = new Set(domains.map(domain => domain.uuid))
    for (const { vmUuid, mac, vip } of records.list()) if (!known.has(vmUuid)) records.remove(vmUuid, mac, vip)
    lastDomains = domains
  }
  return (
    { directors, documents, inventory }: Pick<Inputs, 'directors' | 'documents' | 'inventory'>,
    contested: Contested,
  ): void => {
    saveDirectors(directors)
    saveDocuments(documents, contested)
    saveDomains(inventory)
  }
}

/** Numbers must be kept before they are used. A real server that only changes keeps its row. */
export function saveNumbers(store: Store, gone: readonly RealServer[], come: readonly RealServer[]): void {
  if (gone.length + come.length === 0) return
  const stay = new Set(come.map(realServer => realServer.key))
  store.changeAllocations(
    gone.flatMap(({ key }) => (stay.has(key) ? [] : [key])),
    come,
  )
}
