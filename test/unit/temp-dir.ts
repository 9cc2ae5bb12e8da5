import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

const left = new Set<string>()
const remove = (dir: string) => rmSync(dir, { recursive: true, force: true })
process.on('exit', () => left.forEach(remove))

/** A directory that goes with the test, after all that it takes down later; with the process at the latest. */
export function tempDir(t: Pick<ExecutionContext, 'teardown'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'crossport-test-'))
  left.add(dir)
  t.teardown(() => {
    left.delete(dir)
    remove(dir)
  })
  return dir
}
