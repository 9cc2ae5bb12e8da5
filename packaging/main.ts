import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildPackages } from './build.ts'
import { ROOT } from './root.ts'

// `npm run package [-- --out DIR] [--version VERSION]` builds the Debian packages, and prints their names.

const { values } = parseArgs({
  options: { out: { type: 'string', default: join(ROOT, 'build/packages') }, version: { type: 'string' } },
})
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
const out = resolve(values.out)
mkdirSync(out, { recursive: true })
for (const file of await buildPackages(out, values.version ?? version)) process.stdout.write(`${file}\n`)
