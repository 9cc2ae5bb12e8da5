import { openDatabase } from '../../shared/sqlite/open.ts'
import { type FileStore, openServiceFiles } from '../../shared/sqlite/service-files.ts'
import { type HostStore, openHosts } from './hosts.ts'
import { type LossStore, openLosses } from './losses.ts'
import { MIGRATIONS } from './migrations.ts'
import { type NumberStore, openNumbers, type Ranges } from './numbers.ts'

/** The director's state file. */
export interface Store {
  readonly numbers: NumberStore
  readonly hosts: HostStore
  readonly losses: LossStore
  readonly files: FileStore
  close(): void
}

/** `ranges`: of numbers, for tests. Throws STORE_FAILED, STATE_CORRUPT, STATE_NEWER. */
export function openStore(file: string, ranges?: Ranges): Store {
  const db = openDatabase(file, MIGRATIONS)
  return {
    numbers: openNumbers(db, ranges),
    hosts: openHosts(db),
    losses: openLosses(db),
    files: openServiceFiles(db, 'service_file'),
    close: () => db.close(),
  }
}
