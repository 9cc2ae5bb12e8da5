import type { Database } from '../../shared/sqlite/open.ts'

/** The text in force of every service file. */
export interface FileStore {
  load(): ReadonlyMap<string, string>
  /** The same map again is taken to be unchanged; of another one what differs is written. */
  save(texts: ReadonlyMap<string, string>): void
}

export function openFiles(db: Database): FileStore {
  const put = db.prepare('INSERT OR REPLACE INTO service_file (file, text) VALUES (?, ?)')
  const remove = db.prepare('DELETE FROM service_file WHERE file = ?')
  const rows = db.prepare('SELECT file, text FROM service_file').all() as { file: string; text: string }[]
  let saved: ReadonlyMap<string, string> = new Map(rows.map(row => [row.file, row.text]))
  const write = db.transaction((texts: ReadonlyMap<string, string>) => {
    for (const [file, text] of texts) if (saved.get(file) !== text) put.run(file, text)
    for (const file of saved.keys()) if (!texts.has(file)) remove.run(file)
  })
  return {
    load: () => saved,
    save: texts => {
      if (texts === saved) return
      write(texts)
      saved = texts
    },
  }
}
