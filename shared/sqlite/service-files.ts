import { type KeptFile, keepFile, keptFile } from '../config/kept-file.ts'
import type { GoodFile } from '../config/snapshot.ts'
import { changedItems } from '../lists.ts'
import { programIdentity } from '../run/program.ts'
import type { Database } from './open.ts'

/** Keeps the service files in force: a file that becomes invalid while the daemon is down keeps its last good version. */
export interface FileStore {
  load(): readonly GoodFile[]
  /** Writes the files that are not the same objects as last time. */
  save(files: readonly GoodFile[]): void
}

/** `table`: has the columns of KeptFile; its key is `file`. */
export function openServiceFiles(db: Database, table: string): FileStore {
  const program = programIdentity()
  const select = db.prepare(`SELECT file, text, identity, specs FROM ${table}`)
  const put = db.prepare(
    `INSERT OR REPLACE INTO ${table} (file, text, identity, specs) VALUES (@file, @text, @identity, @specs)`,
  )
  const remove = db.prepare(`DELETE FROM ${table} WHERE file = @file`)
  const load = () => (select.all() as KeptFile[]).map(row => keptFile(row, program))
  let saved: readonly GoodFile[] | undefined
  const write = db.transaction((gone: readonly GoodFile[], come: readonly GoodFile[]) => {
    for (const { file } of gone) remove.run({ file })
    for (const content of come) put.run(keepFile(content, program))
  })
  return {
    load: () => (saved ??= load()),
    save: files => {
      const { gone, come } = changedItems((saved ??= load()), files)
      if (gone.length + come.length > 0) write(gone, come)
      saved = files
    },
  }
}
