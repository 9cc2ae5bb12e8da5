import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { MIGRATIONS as AGENT } from '../../../agent/store/schema.ts'
import { openStore as openAgentStore } from '../../../agent/store/store.ts'
import { MIGRATIONS as DIRECTOR } from '../../../director/store/migrations.ts'
import { openStore as openDirectorStore } from '../../../director/store/store.ts'
import { openDatabase } from '../../../shared/sqlite/open.ts'
import { openVipNumbers, VIP_NUMBERS } from '../../../shared/sqlite/vip-numbers.ts'

const VIPS = ['10.10.1.100', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::', 'fd00::1']

const change = fc.oneof(
  fc.record({ kind: fc.constantFrom('of', 'release'), vip: fc.constantFrom(...VIPS) }),
  fc.record({ kind: fc.constant('keep'), vips: fc.subarray(VIPS) }),
  fc.record({ kind: fc.constantFrom('save', 'reopen') }),
)

test('a VIP keeps its number while it is used, also over a restart, and no two have the same', t => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), changes => {
      const db = openDatabase(':memory:', [VIP_NUMBERS])
      let numbers = openVipNumbers(db)
      let used = new Map<string, number>()
      for (const one of changes) {
        if ('vips' in one) {
          numbers.keep(vip => one.vips.includes(vip))
          used = new Map([...used].filter(([vip]) => one.vips.includes(vip)))
        } else if ('vip' in one) {
          if (one.kind === 'release') {
            numbers.release(one.vip)
            used.delete(one.vip)
          } else {
            const number = numbers.of(one.vip)
            t.is(number, used.get(one.vip) ?? number)
            used.set(one.vip, number)
          }
        } else {
          numbers.save()
          if (one.kind === 'reopen') numbers = openVipNumbers(db)
          const rows = db.prepare('SELECT vip, number FROM vip_number').all() as { vip: string; number: number }[]
          t.deepEqual(new Map(rows.map(({ vip, number }) => [vip, number])), new Map([...used].sort()))
        }
        t.is(new Set(used.values()).size, used.size)
        for (const [vip, number] of used) t.is(numbers.of(vip), number)
      }
    }),
    { numRuns: 200 },
  )
})

test('a number that has become free is given again as late as possible, and never one that is used', t => {
  const db = openDatabase(':memory:', [VIP_NUMBERS])
  db.exec(`INSERT INTO vip_number VALUES ('fd00::1', 1), ('fd00::2', ${0xffff_fffe})`)
  const numbers = openVipNumbers(db)
  t.is(numbers.of('fd00::3'), 0xffff_ffff)
  t.is(numbers.of('fd00::4'), 2)
  numbers.release('fd00::4')
  t.is(numbers.of('fd00::4'), 3)
  db.close()
})

test('while it cannot be written a number is used nevertheless, and is written when that is possible', t => {
  const db = openDatabase(':memory:', [VIP_NUMBERS])
  const numbers = openVipNumbers(db)
  const count = () => db.prepare('SELECT count(*) FROM vip_number').pluck().get()
  t.is(numbers.of('fd00::1'), 1)
  db.pragma('query_only = true')
  t.throws(numbers.save)
  t.is(numbers.of('fd00::1'), 1)
  t.is(numbers.of('fd00::2'), 2)
  db.pragma('query_only = false')
  numbers.save()
  t.is(count(), 2)
  numbers.release('fd00::1')
  numbers.save()
  t.is(count(), 1)
  db.close()
})

for (const [daemon, migrations, open] of [
  ['agent', AGENT, openAgentStore],
  ['director', DIRECTOR, openDirectorStore],
] as const) {
  test(`${daemon}: a state file from before VIPs had numbers is upgraded, and keeps them then`, t => {
    const dir = mkdtempSync(join(tmpdir(), 'crossport-vip-numbers-'))
    t.teardown(() => rmSync(dir, { recursive: true }))
    const path = join(dir, 'state.db')
    openDatabase(path, migrations.slice(0, migrations.indexOf(VIP_NUMBERS))).close()
    const store = open(path)
    const given = VIPS.map(store.vipNumbers.of)
    store.vipNumbers.save()
    store.close()
    const again = open(path)
    t.deepEqual(VIPS.toReversed().map(again.vipNumbers.of).reverse(), given)
    again.close()
  })
}
