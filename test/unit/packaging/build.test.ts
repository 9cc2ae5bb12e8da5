import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { buildPackages } from '../../../packaging/build.ts'
import { root } from '../../lab/paths.ts'

test('two builds are the same, byte for byte', async t => {
  mkdirSync(path.join(root, 'build'), { recursive: true })
  const work = mkdtempSync(path.join(root, 'build/.packages-'))
  t.teardown(() => rmSync(work, { recursive: true, force: true }))
  const builds = ['once', 'again'].map(name => path.join(work, name))
  for (const folder of builds) mkdirSync(folder)
  await Promise.all(builds.map(folder => buildPackages(folder, '0.1.0')))
  const [once, again] = builds.map(folder =>
    readdirSync(folder).map(file => ({ file, bytes: readFileSync(path.join(folder, file)) })),
  )
  t.is(once!.length, 3)
  for (const [n, { file, bytes }] of once!.entries()) t.true(bytes.equals(again![n]!.bytes), file)
})
