import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { root } from '../../lab/paths.ts'

const page = readFileSync(path.join(root, 'SECURITY.md'), 'utf8')
const nameOf = (file: string) => path.basename(file).replace(/(\.test)?\.ts$/, '')
/** Files by their name; those of a directory by its name, too. */
const sources = Map.groupBy(globSync('test/**/*.ts', { cwd: root }), nameOf)
for (const [directory, files] of Map.groupBy(globSync('test/**/*.ts', { cwd: root }), path.dirname))
  sources.set(path.basename(directory), [...(sources.get(path.basename(directory)) ?? []), ...files])

/** Cells of the rows of all tables whose last column is the test. */
const rows = page
  .split(/^\| attacker \|.*\| test \|\n\| --- .*\n/m)
  .slice(1)
  .flatMap(rest => rest.split(/\n(?!\|)/)[0]!.split('\n'))
  .map(row => row.split('|').map(cell => cell.trim()))

/** What a cell names: a file, as `path` or as a name before `: "words"`, with the words in a title of it, or without any. */
function named(text: string): readonly { readonly file: string; readonly words: string }[] {
  let file = ''
  return [...text.matchAll(/`([\w/.-]+)`|([\w-]+)(?=: ")|"([^"]+)"/g)].map(([, path, name, words]) => {
    if (words === undefined) file = nameOf(path ?? name!)
    return { file, words: words ?? '' }
  })
}

test('SECURITY.md: each row says who, what, what stops it, and names a test that there is', t => {
  t.true(rows.length > 15)
  for (const [, who, what, stops, tests = ''] of rows) {
    t.true(
      [who, what, stops].every(cell => cell !== undefined && cell !== ''),
      `${who}`,
    )
    t.true(named(tests).length > 0, `${what}: no test is named`)
    for (const { file, words } of named(tests)) {
      const found = sources.get(file) ?? []
      t.true(
        found.some(one => readFileSync(path.join(root, one), 'utf8').includes(words)),
        `${what}: no test of ${file} has "${words}" in its title`,
      )
    }
  }
})
