import type { Inputs } from '../inputs.ts'
import type { Domain } from '../inventory/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { Store } from '../store/store.ts'
import type { DirectorDocument, GuestRecords } from '../store/types.ts'

/** Inputs that are kept for a restart, each written when it is another object than last time. Throws as the store does. */
export function createSavedInputs(store: Store, records: GuestRecords) {
  let lastDomains: readonly Domain[] | undefined
  let lastActive = store.director()
  let lastDirectors = store.directors()
  let lastDocuments: readonly DirectorDocument[] | undefined

  const saveDirectors = ({ active, all }: Inputs['directors']) => {
    if (JSON.stringify([...all]) !== JSON.stringify([...lastDirectors])) store.setDirectors(all)
    lastDirectors = all
    if (active !== undefined && JSON.stringify(active) !== JSON.stringify(lastActive)) store.setDirector(active)
    lastActive = active
  }
  const saveDocuments = ({ list }: Inputs['documents']) => {
    if (list !== lastDocuments) store.setDocuments(list)
    lastDocuments = list
  }
  const saveDomains = ({ synced, domains, unreadable = [] }: Inputs['inventory']) => {
    if (!synced || domains === lastDomains) return
    store.setDomains(domains)
    // A VM that libvirt no longer knows took with it what it was given. One that cannot be read is there.
    const known = new Set([...domains, ...unreadable].map(({ uuid }) => uuid))
    for (const { vmUuid, mac, vip } of records.list()) if (!known.has(vmUuid)) records.remove(vmUuid, mac, vip)
    lastDomains = domains
  }
  return ({ directors, documents, inventory }: Pick<Inputs, 'directors' | 'documents' | 'inventory'>): void => {
    saveDirectors(directors)
    saveDocuments(documents)
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
