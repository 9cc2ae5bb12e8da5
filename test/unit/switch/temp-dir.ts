import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const left = new Set<string>()
process.on('exit', () => {
  for (const path of left) rmSync(path, { recursive: true, force: true })
})

/** A directory that is gone when the process is, even when a test throws outside of itself. `remove` earlier if you can. */
export async function tempDir(prefix: string): Promise<{ readonly path: string; remove(): void }> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  left.add(path)
  return {
    path,
    remove: () => {
      left.delete(path)
      rmSync(path, { recursive: true, force: true })
    },
  }
}
