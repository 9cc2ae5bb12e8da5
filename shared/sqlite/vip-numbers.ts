import type { Database } from './open.ts'

/** Creates the table of the VIPs' numbers, for the migrations of a state file. */
export const VIP_NUMBERS = `
  -- Numbers of VIPs in the cookies of their flows, which have no space for an address.
  CREATE TABLE vip_number (vip TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE) STRICT, WITHOUT ROWID;
`

/** A cookie's object has 32 bits (shared/flows/cookie.ts); 0 is no number. */
const MOST = 0xffff_ffff

/**
 * Stable numbers of VIPs: a VIP keeps its number while it is used, also over a restart, and no two VIPs have the same.
 *
 * Only cookies carry these numbers. So a new one is used at once, and written when everything is done: while the state file cannot
 * be written, a VIP is served and guarded all the same. Should it get another number after a restart, its flows are replaced in
 * one bundle, as they are once when a version that made cookies of addresses is upgraded.
 */
export interface VipNumbers {
  /** The VIP's number, 1 to 2³²-1. A VIP that has none gets a new one. */
  of(vip: string): number
  /** No flow needs the VIP's number any more. */
  release(vip: string): void
  /** Releases the numbers of all VIPs that are not used. */
  keep(isUsed: (vip: string) => boolean): void
  /** Writes what has changed in one transaction. When it throws, it is written the next time. */
  save(): void
}

export function openVipNumbers(db: Database): VipNumbers {
  const rows = db.prepare('SELECT vip, number FROM vip_number').all() as { vip: string; number: number }[]
  const numbers = new Map(rows.map(({ vip, number }) => [vip, number]))
  const taken = new Set(numbers.values())
  /** VIPs whose number has changed since it was written. */
  const unsaved = new Set<string>()
  let last = rows.reduce((most, { number }) => Math.max(most, number), 0)

  const remove = db.prepare('DELETE FROM vip_number WHERE vip = ?')
  const insert = db.prepare('INSERT INTO vip_number (vip, number) VALUES (?, ?)')
  const write = db.transaction((vips: ReadonlySet<string>) => {
    // Deletions come first, because a new row may take over a deleted row's number.
    for (const vip of vips) remove.run(vip)
    for (const vip of vips) if (numbers.has(vip)) insert.run(vip, numbers.get(vip))
  })

  /** A number that has become free is given again as late as possible. */
  const next = () => {
    do last = (last % MOST) + 1
    while (taken.has(last))
    return last
  }
  const release = (vip: string) => {
    const number = numbers.get(vip)
    if (number === undefined) return
    numbers.delete(vip)
    taken.delete(number)
    unsaved.add(vip)
  }
  return {
    of: vip => {
      const known = numbers.get(vip)
      if (known !== undefined) return known
      const number = next()
      numbers.set(vip, number)
      taken.add(number)
      unsaved.add(vip)
      return number
    },
    release,
    keep: isUsed => {
      for (const vip of [...numbers.keys()]) if (!isUsed(vip)) release(vip)
    },
    save: () => {
      if (unsaved.size === 0) return
      write(unsaved)
      unsaved.clear()
    },
  }
}
