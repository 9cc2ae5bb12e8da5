import type { Database } from '../../shared/sqlite/open.ts'

/** The text in force of every service file. */
export interface FileStore {
  load(): ReadonlyMap<string, string>
  save(texts: ReadonlyMap<string, string>): void
}

export function openFiles(db: Database): FileStore {
  const select = db.prepare('SELECT file, text FROM service_file')
  const put = db.prepare('INSERT OR REPLACE INTO service_file (file, text) VALUES (?, ?)')
  const remove = db.prepare('DELETE FROM service_file WHERE file = ?')
  const load = () => new Map((select.all() as { file: string; text: string }[]).map(row => [row.file, row.text]))
  return {
    load,
    save: db.transaction((texts: ReadonlyMap<string, string>) => {
      const saved = load()
      for (const [file, text] of texts) if (saved.get(file) !== text) put.run(file, text)
      for (const file of saved.keys()) if (!texts.has(file)) remove.run(file)
    }),
  }
}
