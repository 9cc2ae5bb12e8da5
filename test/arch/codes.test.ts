import { readFileSync } from 'node:fs'
import test from 'ava'
import { ERRORS } from '../../shared/errors.ts'
import { readImports } from './imports.ts'

/** Status and reports carry codes as plain text, so every code that operators see must be in the catalogue. */
const CODE = /(?:\bcode: |\b[a-z]\w*\()'([A-Z]+(?:_[A-Z]+)+)'/g

/** Codes of other programs. */
const FOREIGN = new Set(['SQLITE_CORRUPT'])

test('every code that is told is in the catalogue', t => {
  const unknown = [...readImports(['agent', 'director', 'shared', 'cli']).keys()].flatMap(file =>
    [...readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').matchAll(CODE)]
      .map(match => match[1] ?? '')
      .filter(code => !(code in ERRORS) && !FOREIGN.has(code))
      .map(code => `${file}: ${code}`),
  )
  t.deepEqual(unknown, [])
})
