import type { RealServer } from '../real-servers/types.ts'
import type { Store } from '../store/store.ts'
import type { Reports } from './reports.ts'

/** Which real servers were ready in which run of their VM; kept in SQLite, for an agent that starts again. */
export interface ReadyRuns {
  /** It was ready in the run that its VM is in. */
  was(realServer: RealServer): boolean
  note(reports: Pick<Reports, 'changed' | 'gone'>): void
  /** Writes what has been noted. Throws as the store does; what is not written then is written the next time. */
  save(): void
}

export function createReadyRuns(store: Pick<Store, 'readyRuns' | 'changeReadyRuns'>): ReadyRuns {
  const runs = new Map(store.readyRuns())
  const unsaved = new Map<string, number | undefined>()
  const become = (key: string, run: number | undefined) => {
    if (runs.get(key) === run) return
    if (run === undefined) runs.delete(key)
    else runs.set(key, run)
    unsaved.set(key, run)
  }
  return {
    was: ({ key, vm }) => vm.runId !== undefined && runs.get(key) === vm.runId,
    note: ({ changed, gone }) => {
      for (const key of gone) become(key, undefined)
      for (const { realServer, report } of changed) {
        const ready = report.state === 'ready' || report.state === 'draining'
        become(realServer.key, ready ? realServer.vm.runId : undefined)
      }
    },
    save: () => {
      if (unsaved.size === 0) return
      store.changeReadyRuns(unsaved)
      unsaved.clear()
    },
  }
}
