import type { Database } from '../../shared/sqlite/open.ts'

/**
 * The time of the connection table's last loss: a director that is started within the recall period goes on asking hosts about
 * clients.
 */
export interface LossStore {
  /** Milliseconds of the wall clock; undefined: never. */
  load(): number | undefined
  save(at: number): void
}

export function openLosses(db: Database): LossStore {
  const read = db.prepare('SELECT max(at) AS at FROM table_loss')
  const write = db.transaction((at: number) => {
    db.prepare('DELETE FROM table_loss').run()
    db.prepare('INSERT INTO table_loss (at) VALUES (?)').run(at)
  })
  return {
    load: () => (read.get() as { at: number | null }).at ?? undefined,
    save: at => {
      write(at)
    },
  }
}
