import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { root } from '../../lab/paths.ts'

test('docs/contributing.md names files and folders that are there', t => {
  const page = readFileSync(path.join(root, 'docs/contributing.md'), 'utf8')
  const named = [...page.matchAll(/`((?:agent|director|shared|cli|proto|test|bench|docs)\/[\w./-]*)`/g)].map(
    ([, name]) => name!,
  )
  const run = [...page.matchAll(/(?:npx ava|node) (?:--serial )?((?:test|docs)\/\S+\.ts)/g)].map(([, name]) => name!)
  t.true(named.length > 20 && run.length > 2)
  t.deepEqual(
    [...named, ...run].filter(name => !existsSync(path.join(root, name))),
    [],
  )
})
