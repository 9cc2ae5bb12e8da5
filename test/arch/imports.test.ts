import test from 'ava'
import { cycles, type ImportGraph, importsOf, loadedWith, readImports } from './imports.ts'

const graph = readImports(['agent', 'director', 'shared', 'cli'])

/** What each top-level folder may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  shared: ['shared'],
  agent: ['agent', 'shared'],
  director: ['director', 'shared'],
  cli: ['cli', 'shared'],
}

/** Folders that only calculate: the same input gives the same output, on any machine. */
const PURE = [
  'agent/authority/',
  'agent/real-servers/',
  'agent/compile/',
  'director/authority/',
  'director/compile/',
  'director/registry/',
  'director/schedule/',
  'director/plan/',
  'shared/address/',
  'shared/flows/',
  'shared/net/',
  'shared/packet/',
  'shared/pki/',
  'shared/wire/',
]
/** The only packages and node modules that such a folder may load, directly or through its imports. */
const PURE_PACKAGES = ['node:crypto', '@peculiar/x509', 'reflect-metadata']

function misplaced(imports: ImportGraph): string[] {
  return [...imports].flatMap(([file, list]) =>
    list
      .filter(({ target, local }) => local && !MAY_IMPORT[top(file)]?.includes(top(target)))
      .map(({ target }) => `${file} imports ${target}`),
  )
}

function impure(imports: ImportGraph): string[] {
  const files = [...imports.keys()].filter(file => PURE.some(folder => file.startsWith(folder)))
  return files.flatMap(file =>
    [...loadedWith(imports, file)]
      .filter(({ target, local }) => !local && !PURE_PACKAGES.includes(target))
      .map(({ path }) => path.join(' → ')),
  )
}

const top = (file: string) => file.split('/')[0] ?? ''

test('there is something to check', t => {
  t.true(graph.size > 50)
  for (const folder of PURE)
    t.true(
      [...graph.keys()].some(file => file.startsWith(folder)),
      `${folder} is not there`,
    )
})

test('shared imports nothing above it; agent and director never import each other', t => {
  t.deepEqual(misplaced(graph), [])
})

test('pure folders load no node modules and no packages that do I/O', t => {
  t.deepEqual(impure(graph), [])
})

test('there are no import cycles', t => {
  t.deepEqual(
    cycles(graph).map(cycle => cycle.join(' → ')),
    [],
  )
})

test('the checks see what they are for', t => {
  const make = (files: Record<string, string>): ImportGraph =>
    new Map(Object.entries(files).map(([file, text]) => [file, importsOf(text, file)]))
  t.deepEqual(misplaced(make({ 'shared/a.ts': `import { x } from '../agent/b.ts'\n`, 'agent/b.ts': '' })), [
    'shared/a.ts imports agent/b.ts',
  ])
  t.deepEqual(misplaced(make({ 'agent/a.ts': `import type { X } from '../director/b.ts'\n` })).length, 1)
  const impurities = make({
    'agent/real-servers/a.ts': `import {\n  type A,\n  b,\n} from '../../shared/b.ts'\nimport type { C } from 'node:net'\n`,
    'shared/b.ts': `export { c } from './c.ts'\n`,
    'shared/c.ts': `const fs = await import('node:fs')\n`,
  })
  t.deepEqual(impure(impurities), ['agent/real-servers/a.ts → shared/b.ts → shared/c.ts → node:fs'])
  t.deepEqual(cycles(make({ 'a/a.ts': `import './b.ts'\n`, 'a/b.ts': `import type { A } from './a.ts'\n` })), [
    ['a/a.ts', 'a/b.ts', 'a/a.ts'],
  ])
})
