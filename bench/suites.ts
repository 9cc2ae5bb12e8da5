import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Suite } from './types.ts'

/** All suites of the folder, by name. Throws when a file there is not a suite. */
export async function findSuites(folder: URL): Promise<readonly Suite[]> {
  const files = (await readdir(folder)).filter(file => file.endsWith('.ts') && !file.startsWith('_')).sort()
  return Promise.all(
    files.map(async file => {
      const { default: suite } = (await import(new URL(file, folder).href)) as { default?: Suite }
      if (suite?.name !== basename(file, '.ts')) {
        throw new Error(`${file}: the default export must be a suite named ${basename(file, '.ts')}`)
      }
      return suite
    }),
  )
}
