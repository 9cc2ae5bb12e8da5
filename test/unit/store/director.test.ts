import { join } from 'node:path'
import test from 'ava'
import { applyDelta, emptyRegistry, expire, register } from '../../../director/registry/registry.ts'
import { MIGRATIONS } from '../../../director/store/migrations.ts'
import { MOST_FREE } from '../../../director/store/numbers.ts'
import { openStore } from '../../../director/store/store.ts'
import type { RealServerReport } from '../../../shared/rpc/real-server.ts'
import { openDatabase } from '../../../shared/sqlite/open.ts'
import { tempDir } from '../cleanup.ts'
import { goodFile } from '../config/good-file.ts'
import { reported } from '../registry/fixture.ts'

const rs = (id: string, weight = 1) => reported(id, { weight })
const report = (n: number, ...list: RealServerReport[]) => ({
  hostId: `h${n}`,
  hostMac: `02:00:00:00:00:2${n}`,
  hostIp: `172.24.1.2${n}`,
  version: '1',
  realServers: new Map(list.map(one => [one.id, one])),
})

test('hosts, numbers and files are there after a restart, as they were saved last', async t => {
  const path = join(tempDir(t), 'director.db')
  const first = openStore(path)
  let registry = register(emptyRegistry(), report(1, rs('a'), rs('b')), 0, 100)
  registry = register(registry, report(2, rs('c')), 0, 100)
  await first.hosts.save(registry.hosts)
  registry = applyDelta(registry, 'h1', { upserted: [rs('a', 5), rs('d')], removedIds: ['b'] })
  await first.hosts.save(registry.hosts)
  registry = expire(register(registry, report(1, rs('a', 5), rs('d')), 50, 100), 120)
  await first.hosts.save(registry.hosts)
  t.is(first.numbers.of('mark', 'one'), 1)
  first.numbers.save()
  t.is(first.numbers.of('mark', 'never saved'), 2)
  const files = [goodFile('web.yaml', 'service: web\nvip: 10.0.0.1\nport: 80\nrealServers: [{vm: x, port: 1}]\n')]
  first.files.save(files)
  first.files.save([...files, goodFile('dns.yaml', '# nothing yet\n')])
  first.files.save(files)
  t.is(first.losses.load(), undefined)
  first.losses.save(1_790_000_000_000)
  first.losses.save(1_780_000_000_000)
  first.close()

  const second = openStore(path)
  t.teardown(() => second.close())
  const saved = second.hosts.load()
  t.deepEqual(
    saved.map(({ hostId, state, realServers }) => [hostId, state, [...realServers.values()]]),
    [
      ['h1', 'alive', [rs('a', 5), rs('d')]],
      ['h2', 'lost', [rs('c')]],
    ],
  )
  await second.hosts.save(new Map([['h2', saved[1]!]]))
  t.is(second.numbers.of('mark', 'other'), 2)
  t.is(second.numbers.of('mark', 'one'), 1)
  t.deepEqual(second.files.load(), files)
  t.is(second.losses.load(), 1_780_000_000_000)
  const third = openStore(path)
  t.deepEqual(
    third.hosts.load().map(({ hostId }) => hostId),
    ['h2'],
  )
  third.close()
})

test('a state file with all real servers of a host in one column is brought up to date', t => {
  const path = join(tempDir(t), 'director.db')
  const old = openDatabase(path, MIGRATIONS.slice(0, 1))
  old
    .prepare('INSERT INTO host VALUES (?, ?, ?, ?, ?, ?, ?)')
    .run('h1', 3, 'alive', '02:00:00:00:00:21', '172.24.1.21', '1', JSON.stringify([rs('a'), rs('b', 2)]))
  old.close()
  const store = openStore(path)
  const [host] = store.hosts.load()
  t.is(host?.seq, 3)
  t.deepEqual([...host!.realServers.values()], [rs('a'), rs('b', 2)])
  store.close()
})

test('a number that is given back goes to another name as late as can be, also after a restart', t => {
  const path = join(tempDir(t), 'director.db')
  const ranges = { mark: { first: 1, last: 9 }, service: { first: 1, last: 4 } }
  const first = openStore(path, ranges)
  t.deepEqual(
    ['a', 'b', 'c'].map(name => first.numbers.of('service', name)),
    [1, 2, 3],
  )
  first.numbers.save()
  first.numbers.release('service', ['b', 'nobody'])
  first.numbers.release('service', ['a'])
  t.deepEqual([...first.numbers.named('service')], [['c', 3]])
  first.close()

  const second = openStore(path, ranges)
  t.teardown(() => second.close())
  t.is(second.numbers.of('service', 'c'), 3)
  t.deepEqual(
    ['d', 'e', 'f'].map(name => second.numbers.of('service', name)),
    [4, 2, 1],
    'first those that nobody has had',
  )
  t.throws(() => second.numbers.of('service', 'g'), { code: 'STORE_FAILED' })
  second.numbers.save()
  second.numbers.release('service', ['e'])
  t.is(second.numbers.of('service', 'g'), 2)
  second.numbers.release('service', ['g'])
  t.is(second.numbers.of('service', 'h'), 2, 'one that was never written down')
  second.numbers.save()
  const third = openStore(path, ranges)
  t.deepEqual(Object.fromEntries(third.numbers.named('service')), { c: 3, d: 4, f: 1, h: 2 })
  third.close()
})

test('whatever cannot be written is said with its code and the file', async t => {
  const path = join(tempDir(t), 'director.db')
  const store = openStore(path)
  t.teardown(store.close)
  store.numbers.of('service', 'known')
  store.numbers.save()
  store.numbers.of('mark', 'one')
  const other = openDatabase(path, MIGRATIONS)
  for (const table of ['host', 'number', 'free_number', 'service_file', 'table_loss']) other.exec(`DROP TABLE ${table}`)
  other.close()
  const said = { code: 'STORE_FAILED', message: new RegExp(`^cannot use state file ${path}: no such table`) } as const
  const { hosts } = register(emptyRegistry(), report(1, rs('a')), 0, 100)
  await t.throwsAsync(store.hosts.save(hosts), said)
  t.throws(() => store.numbers.save(), said)
  t.throws(() => store.numbers.release('service', ['known']), said)
  t.throws(() => store.losses.save(1), said)
  t.throws(() => store.files.save([goodFile('web.yaml', '# nothing yet\n')]), said)
})

test('numbers are given again as late as possible, but not so late that all the free ones are kept', t => {
  const store = openStore(':memory:')
  t.teardown(() => store.close())
  const names = Array.from({ length: MOST_FREE + 1 }, (_, n) => `tcp 10.0.0.1:80 ${n}`)
  for (const name of names) store.numbers.of('mark', name)
  store.numbers.save()
  store.numbers.release('mark', names.slice(1))
  t.is(store.numbers.of('mark', 'a'), MOST_FREE + 2)
  store.numbers.release('mark', names.slice(0, 1))
  t.is(store.numbers.of('mark', 'b'), 2)
  t.is(store.numbers.of('mark', 'c'), MOST_FREE + 3)
  store.numbers.save()
  t.deepEqual(
    [...store.numbers.named('mark')],
    [
      ['a', MOST_FREE + 2],
      ['b', 2],
      ['c', MOST_FREE + 3],
    ],
  )
})
