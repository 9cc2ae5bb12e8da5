import test from 'ava'
import fc from 'fast-check'
import { parseServiceFile } from '../../../shared/config/parse.ts'
import { type FileContent, type GoodFile, resolveSnapshot } from '../../../shared/config/snapshot.ts'
import { createSnapshots } from '../../../shared/config/snapshots.ts'
import { goodFile } from './good-file.ts'

const doc = (service: string, port: number, rsPort: number) =>
  `service: ${service}\nvip: 10.10.1.100\nport: ${port}\nrealServers: [{vm: web-*, port: ${rsPort}}]\n`

const text = fc.oneof(
  { weight: 6, arbitrary: fc.record({ n: fc.nat(5), port: fc.nat(5), rsPort: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.constant('broken') },
  { weight: 1, arbitrary: fc.constant('unreadable') },
)

const contentOf = (file: string, made: { n: number; port: number; rsPort: number } | string): FileContent => {
  if (made === 'unreadable') return { unreadable: 'may not be read' }
  const written = typeof made === 'string' ? made : doc(`s${made.n}`, 80 + made.port, 8080 + made.rsPort)
  return { file, text: written, parsed: parseServiceFile(written, file) }
}

test('in whatever way files change, the incremental snapshot is the full one', t => {
  const step = fc.array(fc.record({ file: fc.constantFrom('a', 'b', 'c', 'd'), made: fc.option(text) }), {
    minLength: 1,
    maxLength: 2,
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 15 }), fc.boolean(), (steps, named) => {
      const files = new Map<string, FileContent>()
      let good = new Map<string, GoodFile>()
      const snapshots = createSnapshots(new Map())
      for (const changes of steps) {
        for (const { file, made } of changes) {
          if (made === null) files.delete(file)
          else files.set(file, contentOf(file, made))
        }
        const full = resolveSnapshot(files, good)
        good = new Map(full.files.map(content => [content.file, content]))
        const next = snapshots.update(files, named ? new Set(changes.map(({ file }) => file)) : undefined)
        const { specs, problems, documents, files: inForce } = next
        t.deepEqual(
          { specs, problems, documents, texts: inForce.map(({ file, text }) => [file, text]) },
          {
            specs: full.specs,
            problems: full.problems,
            documents: full.documents,
            texts: full.files.map(({ file, text }) => [file, text]),
          },
        )
        // Only without conflicts: with one, a second resolution may settle what the first could not.
        if (problems.length === 0) t.is(snapshots.update(files, new Set(['a', 'b', 'c', 'd'])), next)
      }
    }),
    { numRuns: 500 },
  )
})

test('a file whose identity becomes known is no change; it is kept with the next one', t => {
  const snapshots = createSnapshots(new Map())
  const { identity: _, ...young } = goodFile('a', doc('a', 80, 8080))
  const files = new Map<string, FileContent>([['a', young]])
  const first = snapshots.update(files, undefined)
  files.set('a', { ...young, identity: 'known' })
  t.is(snapshots.update(files, new Set(['a'])), first)
  files.set('b', goodFile('b', doc('b', 81, 8081)))
  t.deepEqual(
    snapshots.update(files, new Set(['b'])).files.map(({ identity }) => identity),
    ['known', 'of b'],
  )
})
