import { once } from 'node:events'
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { MIGRATIONS } from '../../../agent/store/schema.ts'
import { openStore } from '../../../agent/store/store.ts'
import { CrossportError } from '../../../shared/errors.ts'
import { openDatabase } from '../../../shared/sqlite/open.ts'
import { rebuildState } from '../../../shared/sqlite/rebuild.ts'
import { tempDir } from '../cleanup.ts'
import { goodFile } from '../config/good-file.ts'
import { domain } from '../real-servers/fixtures.ts'

const file = (name: string) => goodFile(name, 'service: x\nvip: 10.0.0.1\nport: 80\nrealServers: [{vm: x, port: 1}]\n')
const prints = Uint8Array.from({ length: 32 }, (_, n) => n * 8)
const desired = (object: string, flow: string) => ({
  object,
  signature: `of-${object}`,
  flows: () => ({ texts: [flow], prints }),
})

const EDITS = [
  { kind: 'file', path: '/etc/systemd/network/x.network.d/y.conf', folders: ['/etc/systemd/network/x.network.d'] },
  { kind: 'lines', path: '/etc/sysconfig/network/ifcfg-eth0', text: "IPADDR_cp='10.0.0.1/32'\n" },
] as const

function rows(path: string, sql: string): unknown[] {
  const db = openDatabase(path, MIGRATIONS)
  const found = db.prepare(sql).raw().all()
  db.close()
  return found
}

test('everything that was put in is there after the agent has been away', t => {
  const path = join(tempDir(t), 'state', 'agent.db')
  const first = openStore(path)
  const director = { id: 'd', mac: '02:00:00:00:01:00', leaseMs: 15_000, active: true }
  const allocation = { key: 'web/u/80', id: 1, vip: '10.0.0.1', protocol: 'tcp', ingressPort: 8080 } as const
  const record = { vmUuid: 'u', mac: 'm', vip: '10.0.0.1', nicName: 'eth0', addressAdded: true, edits: EDITS }
  const documents = new Map(
    ['a:7473', 'b:7473'].map(address => [address, [{ file: 'web.yaml', line: 1, text: `service: ${address}` }]]),
  )
  first.setDirector(director)
  first.setDocuments(documents)
  first.setContested({ web: 'b:7473' })
  first.serviceFiles.save([file('/etc/x.yaml'), file('/etc/gone.yaml')])
  first.serviceFiles.save([file('/etc/x.yaml')])
  first.setDomains([domain(1)])
  first.setAllocations([allocation])
  first.setDesired([desired('rs/web', 'table=0,actions=drop'), desired('rs/gone', 'table=1,actions=drop')])
  first.keepDesired(object => object !== 'rs/gone')
  first.guestRecords.put(record)
  first.changeReadyRuns(
    new Map([
      ['web', 3],
      ['gone', 1],
    ]),
  )
  first.changeReadyRuns(new Map([['gone', undefined]]))
  first.close()

  const second = openStore(path)
  t.teardown(() => second.close())
  t.deepEqual(second.director(), director)
  t.deepEqual(second.documents(), documents)
  t.deepEqual(second.contested(), { web: 'b:7473' })
  t.deepEqual(second.serviceFiles.load(), [file('/etc/x.yaml')])
  t.like(second.domains()[0], { uuid: domain(1).uuid, name: 'web-1', runId: 1 })
  t.deepEqual(second.allocations(), [allocation])
  t.deepEqual(rows(path, 'SELECT object, signature, flows FROM desired_objects JOIN desired_prints USING (object)'), [
    ['rs/web', 'of-rs/web', 'table=0,actions=drop'],
  ])
  const known = second.knownPrints!()
  t.deepEqual(Uint8Array.from(known('rs/web', 'of-rs/web')!), prints)
  t.is(known('rs/web', 'of-rs'), undefined)
  t.is(known('rs/web', 'otherwise'), undefined)
  t.is(known('rs/gone', 'of-rs/gone'), undefined)
  t.deepEqual(second.guestRecords.list(), [record])
  t.deepEqual([...second.readyRuns()], [['web', 3]])
})

test('what another program has written of flows is not believed', t => {
  const path = join(tempDir(t), 'agent.db')
  const store = openStore(path)
  store.setDesired([desired('rs/web', 'table=0,actions=drop')])
  store.close()
  const db = openDatabase(path, MIGRATIONS)
  db.exec(`UPDATE meta SET value = '"another"' WHERE key = 'desired-by'`)
  db.close()
  const again = openStore(path)
  t.is(again.knownPrints!()('rs/web', 'of-rs/web'), undefined)
  again.close()
  t.deepEqual(rows(path, 'SELECT object FROM desired_objects'), [])
})

test('real servers may exchange their numbers in one pass', t => {
  const store = openStore(join(tempDir(t), 'agent.db'))
  t.teardown(() => store.close())
  const a = { key: 'a', id: 1, vip: '10.0.0.1', protocol: 'tcp', ingressPort: 8080 } as const
  const b = { key: 'b', id: 2, vip: '10.0.0.1', protocol: 'tcp', ingressPort: 40_000 } as const
  store.setAllocations([a, b])
  store.setAllocations([
    { ...a, id: 2, ingressPort: 40_000 },
    { ...b, id: 1, ingressPort: 8080 },
  ])
  t.deepEqual(
    store.allocations().map(x => [x.key, x.id, x.ingressPort]),
    [
      ['a', 2, 40_000],
      ['b', 1, 8080],
    ],
  )
})

test('a damaged file is found out at the start, and set aside on request; one in use is not', async t => {
  const dir = tempDir(t)
  const stateFile = join(dir, 'agent.db')
  const store = openStore(stateFile)
  store.setDesired(Array.from({ length: 500 }, (_, n) => desired(`rs/${n}`, 'x'.repeat(200))))
  store.close()
  const file = openSync(stateFile, 'r+')
  for (let page = 4; page < 20; page++) writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096)
  closeSync(file)
  t.is(
    codeOf(() => openStore(stateFile)),
    'STATE_CORRUPT',
  )
  const controlSocket = join(dir, 'agent.sock')
  const daemon = createServer().listen(controlSocket)
  await once(daemon, 'listening')
  await t.throwsAsync(rebuildState({ stateFile, controlSocket, now: new Date() }), { code: 'STORE_FAILED' })
  daemon.close()
  await once(daemon, 'close')
  const kept = await rebuildState({ stateFile, controlSocket, now: new Date() })
  t.true(existsSync(kept ?? ''))
  openStore(stateFile).close()
})

function codeOf(fn: () => unknown): string {
  try {
    fn()
  } catch (error) {
    if (error instanceof CrossportError) return error.code
    throw error
  }
  return 'none'
}

test('a file that is no database, one of a later version and one that cannot be made have codes of their own', t => {
  const dir = tempDir(t)
  writeFileSync(join(dir, 'garbage.db'), 'this is no database, '.repeat(100))
  t.is(
    codeOf(() => openStore(join(dir, 'garbage.db'))),
    'STATE_CORRUPT',
  )
  openDatabase(
    join(dir, 'newer.db'),
    Array.from({ length: 99 }, (_, n) => `CREATE TABLE t${n} (x)`),
  ).close()
  t.is(
    codeOf(() => openStore(join(dir, 'newer.db'))),
    'STATE_NEWER',
  )
  writeFileSync(join(dir, 'file'), '')
  t.is(
    codeOf(() => openStore(join(dir, 'file', 'agent.db'))),
    'STORE_FAILED',
  )
})

test('the one file that an older agent has recorded of a guest is an edit', t => {
  const path = join(tempDir(t), 'agent.db')
  const before = MIGRATIONS.findIndex(sql => sql.includes('ADD COLUMN edits'))
  const old = openDatabase(path, MIGRATIONS.slice(0, before))
  const put = old.prepare(
    'INSERT INTO guest_vips (vm_uuid, mac, vip, nic, address_added, file) VALUES (?, ?, ?, ?, ?, ?)',
  )
  put.run('u', 'm', '10.0.0.1', 'eth0', 1, '/etc/x')
  put.run('u', 'm', '10.0.0.2', 'eth0', 0, null)
  old.close()
  const store = openStore(path)
  t.teardown(() => store.close())
  t.deepEqual(
    store.guestRecords.list().map(({ vip, edits }) => [vip, edits]),
    [
      ['10.0.0.1', [{ kind: 'file', path: '/etc/x', folders: [] }]],
      ['10.0.0.2', []],
    ],
  )
})
