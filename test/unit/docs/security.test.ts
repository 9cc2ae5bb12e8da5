import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { root } from '../../lab/paths.ts'

const page = readFileSync(path.join(root, 'SECURITY.md'), 'utf8')
const sources = Map.groupBy(globSync('test/**/*.ts', { cwd: root }), file =>
  path.basename(file).replace(/(\.test)?\.ts$/, ''),
)

/** Cells of the rows of all tables whose last column is the test. */
const rows = page
  .split(/^\| attacker \|.*\| test \|\n\| --- .*\n/m)
  .slice(1)
  .flatMap(rest => rest.split(/\n(?!\|)/)[0]!.split('\n'))
  .map(row => row.split('|').map(cell => cell.trim()))

/** `file: "words"`, or only `"words"` of the file that was named last. */
function named(text: string): readonly (readonly [file: string, words: string])[] {
  let file = ''
  return [...text.matchAll(/(?:([\w-]+): )?"([^"]+)"/g)].map(([, name, words]) => [(file = name ?? file), words!])
}

test('SECURITY.md: each row says who, what, what stops it, and names a test that there is', t => {
  t.true(rows.length > 15)
  for (const [, who, what, stops, tests = ''] of rows) {
    t.true(
      [who, what, stops].every(cell => cell !== undefined && cell !== ''),
      `${who}`,
    )
    t.true(named(tests).length > 0, `${what}: no test is named`)
    for (const [file, words] of named(tests)) {
      const found = sources.get(file) ?? []
      t.true(
        found.some(one => readFileSync(path.join(root, one), 'utf8').includes(words)),
        `${what}: no test of ${file} has "${words}" in its title`,
      )
    }
  }
})
