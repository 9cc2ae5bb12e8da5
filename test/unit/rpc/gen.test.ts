import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { execa } from 'execa'
import { tempDir } from '../cleanup.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

function files(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(name =>
    statSync(join(dir, name)).isFile(),
  )
  return Object.fromEntries(names.sort().map(name => [name, readFileSync(join(dir, name), 'utf8')]))
}

test('shared/rpc/gen is what scripts/gen-proto makes of proto/', async t => {
  const dir = tempDir(t)
  await execa(join(ROOT, 'scripts/gen-proto'), [dir])
  t.deepEqual(files(join(ROOT, 'shared/rpc/gen')), files(dir), 'run scripts/gen-proto')
})
