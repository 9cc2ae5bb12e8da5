import { join } from 'node:path'
import test from 'ava'
import { ANYTHING } from '../../../agent/authority/judge.ts'
import { type Directors, withDirector, withDocuments } from '../../../agent/directors.ts'
import { initialInputs } from '../../../agent/inputs.ts'
import { NO_OUTCOME } from '../../../agent/outcome.ts'
import { createMemory } from '../../../agent/outlets/memory.ts'
import { createServices } from '../../../agent/stations/services.ts'
import { MIGRATIONS } from '../../../agent/store/schema.ts'
import { openStore } from '../../../agent/store/store.ts'
import type { DirectorInfo } from '../../../agent/store/types.ts'
import { openDatabase } from '../../../shared/sqlite/open.ts'
import { tempDir } from '../cleanup.ts'

const [A, B] = ['a:7473', 'b:7473']
const BOTH = [A, B]
const NOBODY: Directors = { active: undefined, all: new Map() }
const NO_FILES = { synced: true, specs: [], problems: [], documents: [], files: [] }

const info = (id: string, change: Partial<DirectorInfo> = {}): DirectorInfo => ({
  id,
  mac: `02:00:00:00:01:0${id === 'a' ? 0 : 1}`,
  leaseMs: 15_000,
  active: true,
  ...change,
})

/** A service by its name, and the port by which versions of it differ. */
const text = (service: string, port = 8080, vip = '10.10.1.100') =>
  `service: ${service}\nvip: ${vip}\nport: 80\nrealServers: [{vm: web-1, port: ${port}}]\n`

function host(remembered: Readonly<Record<string, string>> = {}) {
  const services = createServices({ services: () => [], contested: () => remembered })
  return (files: Readonly<Record<string, readonly string[]>>) => {
    const byDirector = new Map(
      Object.entries(files).map(([director, texts]) => [
        director,
        texts.map((one, i) => ({ file: `${director[0]}.yaml`, line: i + 1, text: one })),
      ]),
    )
    const inputs = { services: NO_FILES, documents: { heard: true, byDirector }, withdrawn: false }
    const { specs, problems, contested } = services(inputs, ANYTHING)
    const inForce = specs.map(({ service, realServers }) => `${service} ${realServers[0]?.port}`)
    return { inForce, reasons: problems.map(({ reason }) => reason), contested }
  }
}

test('of two active directors the first of the configuration leads, whoever speaks last', t => {
  for (const order of [BOTH, [B, A]]) {
    let directors = NOBODY
    for (const address of order) directors = withDirector(directors, address, info(address[0]!), BOTH)
    directors = withDirector(directors, B, info('b', { connectionSeconds: 7 }), BOTH)
    t.is(directors.active?.id, 'a')
    t.deepEqual([...directors.all.keys()], BOTH)
  }
})

test('a director on standby leads as soon as it says that it is active, and the other’s word does not undo it', t => {
  let directors = withDirector(NOBODY, B, info('b', { active: false }), BOTH)
  t.is(directors.active?.id, 'b', 'better than nobody')
  directors = withDirector(directors, A, info('a'), BOTH)
  t.is(directors.active?.id, 'a')
  directors = withDirector(directors, B, info('b'), BOTH)
  t.is(directors.active?.id, 'b')
  directors = withDirector(directors, A, info('a', { mac: '02:00:00:00:01:09' }), BOTH)
  t.is(directors.active?.id, 'b')
  t.is(directors.all.get(A)?.mac, '02:00:00:00:01:09')
  directors = withDirector(directors, B, info('b', { active: false }), BOTH)
  t.is(directors.active?.id, 'a')
})

test('without a memory the documents are known when each director has told its own', t => {
  let documents = withDocuments({ heard: false, byDirector: new Map() }, B, [], BOTH)
  t.false(documents.heard)
  documents = withDocuments(documents, A, [], BOTH)
  t.true(documents.heard)
  t.deepEqual([...documents.byDirector.keys()], BOTH)
})

test('what one director does not have another may; the same of both is one service', t => {
  const serve = host()
  t.deepEqual(serve({ [A]: [text('web')], [B]: [] }).inForce, ['web 8080'])
  const { inForce, reasons } = serve({ [A]: [text('web')], [B]: [text('dns', 53, '10.10.1.101'), text('web')] })
  t.deepEqual(inForce, ['dns 53', 'web 8080'])
  t.deepEqual(reasons, [])
  t.deepEqual(serve({ [A]: [], [B]: [text('web')] }).inForce, ['web 8080'])
})

test('where directors differ, what was in force stays as long as one says so, and a problem names both', t => {
  const serve = host()
  serve({ [A]: [text('web')], [B]: [text('web')] })
  const differ = serve({ [A]: [text('web', 9090)], [B]: [text('web')] })
  t.deepEqual(differ.inForce, ['web 8080'])
  t.is(differ.reasons.length, 1)
  for (const name of [A, B, "'web'", 'a.yaml:1', 'b.yaml:1'])
    t.true(differ.reasons[0]!.includes(name), differ.reasons[0])
  const agreed = serve({ [A]: [text('web', 9090)], [B]: [text('web', 9090)] })
  t.deepEqual([agreed.inForce, agreed.reasons], [['web 9090'], []])

  // A newcomer's version never replaces one that is there, whatever the order of the configuration.
  const other = host()
  other({ [B]: [text('web')] })
  t.deepEqual(other({ [A]: [text('web', 9090)], [B]: [text('web')] }).inForce, ['web 8080'])
  // Nobody says any more what was in force: then the one that it was from is followed.
  t.deepEqual(other({ [A]: [text('web', 9090)], [B]: [text('web', 7070)] }).inForce, ['web 7070'])
  // After a restart, too.
  const { contested } = other({ [A]: [text('web', 9090)], [B]: [text('web', 7070)] })
  t.deepEqual(contested, { web: B })
  t.deepEqual(host(contested)({ [A]: [text('web', 9090)], [B]: [text('web', 7070)] }).inForce, ['web 7070'])
  t.deepEqual(host()({ [A]: [text('web', 9090)], [B]: [text('web', 7070)] }).inForce, ['web 9090'])
})

test('two directors’ services that cannot both stand: the one that was there stays', t => {
  const serve = host()
  serve({ [A]: [], [B]: [text('web')] })
  const { inForce, reasons } = serve({ [A]: [text('shop')], [B]: [text('web')] })
  t.deepEqual(inForce, ['web 8080'])
  t.regex(reasons.join(), /already belongs to service 'web'/)
})

test('the state file keeps what each director has said; one that is not configured any more is forgotten', t => {
  const path = join(tempDir(t), 'agent.db')
  const first = openStore(path)
  const documents = new Map(BOTH.map(address => [address, [{ file: 'web.yaml', line: 1, text: text(address[0]!) }]]))
  const all = new Map(BOTH.map(address => [address, info(address[0]!)]))
  const nothing = { save: () => {} }
  const save = (
    store: typeof first,
    { directors, documents }: Pick<ReturnType<typeof initialInputs>, 'directors' | 'documents'>,
  ) =>
    createMemory({ store, records: store.guestRecords, numbers: nothing, ready: nothing, applier: nothing })({
      ...NO_OUTCOME,
      directors,
      documents: documents.byDirector,
    })
  save(first, { directors: { active: all.get(B), all }, documents: { heard: true, byDirector: documents } })
  first.close()

  const second = openStore(path)
  const same = initialInputs(second, BOTH, undefined)
  t.is(same.directors.active?.id, 'b')
  t.deepEqual(same.documents, { heard: true, byDirector: documents })
  const less = initialInputs(second, [A], undefined)
  t.is(less.directors.active?.id, 'a')
  t.deepEqual([...less.documents.byDirector.keys()], [A])
  save(second, less)
  second.close()

  const third = openStore(path)
  t.teardown(() => third.close())
  t.deepEqual([[...third.directors().keys()], [...third.documents().keys()]], [[A], [A]])
})

test('documents of a state file from before are those of its director', t => {
  const path = join(tempDir(t), 'agent.db')
  const last = MIGRATIONS.findIndex(text => text.includes('documents_by_director'))
  const old = openDatabase(path, MIGRATIONS.slice(0, last))
  old.prepare('INSERT INTO meta (key, value) VALUES (?, ?)').run('directors', JSON.stringify([[A, info('a')]]))
  old.prepare('INSERT INTO director_documents (file, line, text) VALUES (?, ?, ?)').run('web.yaml', 1, text('web'))
  old.close()
  const store = openStore(path)
  t.teardown(() => store.close())
  t.deepEqual([...store.documents()], [[A, [{ file: 'web.yaml', line: 1, text: text('web') }]]])
})
