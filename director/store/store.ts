import { openDatabase, stateError, stateWrite } from '../../shared/sqlite/open.ts'
import { type FileStore, openServiceFiles } from '../../shared/sqlite/service-files.ts'
import { openVipNumbers, type VipNumbers } from '../../shared/sqlite/vip-numbers.ts'
import { type HostServiceStore, openHostServices } from './host-services.ts'
import { type HostStore, openHosts } from './hosts.ts'
import { type LossStore, openLosses } from './losses.ts'
import { MIGRATIONS } from './migrations.ts'
import { type NumberStore, openNumbers, type Ranges } from './numbers.ts'

/** The director's state file. */
export interface Store {
  readonly numbers: NumberStore
  readonly vipNumbers: VipNumbers
  readonly hosts: HostStore
  readonly losses: LossStore
  readonly files: FileStore
  readonly hostServices: HostServiceStore
  close(): void
}

/**
 * `ranges`: of numbers, for tests. Throws STORE_FAILED, STATE_CORRUPT, STATE_NEWER; whatever writes throws STORE_FAILED or
 * STATE_CORRUPT when it cannot.
 */
export function openStore(file: string, ranges?: Ranges): Store {
  const db = openDatabase(file, MIGRATIONS)
  const written = <A extends unknown[]>(write: (...args: A) => void) => stateWrite(file, write)
  const numbers = openNumbers(db, ranges)
  const vipNumbers = openVipNumbers(db)
  const hosts = openHosts(db)
  const losses = openLosses(db)
  const files = openServiceFiles(db, 'service_file')
  const hostServices = openHostServices(db)
  return {
    numbers: { ...numbers, save: written(numbers.save), release: written(numbers.release) },
    vipNumbers: { ...vipNumbers, save: written(vipNumbers.save) },
    hosts: {
      ...hosts,
      save: next =>
        hosts.save(next).catch((cause: unknown) => {
          throw stateError(file, cause)
        }),
    },
    losses: { ...losses, save: written(losses.save) },
    files: { ...files, save: written(files.save) },
    hostServices: { ...hostServices, change: written(hostServices.change) },
    close: () => db.close(),
  }
}
