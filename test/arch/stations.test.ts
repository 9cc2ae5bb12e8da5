import test from 'ava'
import { cycles, type ImportGraph, importsOf, readImports } from './imports.ts'
import { STATIONS } from './stations.ts'

/** `agent/guest/writers/all.ts` belongs to station `guest`, `agent/run.ts` to station `run.ts`. */
const stationOf = (file: string) => file.split('/')[1] ?? ''

/** Each import from one station of a daemon to another. */
function between(graph: ImportGraph, daemon: string) {
  const inside = (file: string) => file.startsWith(`${daemon}/`)
  return [...graph].flatMap(([file, imports]) =>
    imports
      .filter(({ target }) => inside(file) && inside(target) && stationOf(file) !== stationOf(target))
      .map(({ target }) => ({ file, target, from: stationOf(file), to: stationOf(target) })),
  )
}

function upwards(graph: ImportGraph, daemon: string, rows: readonly (readonly string[])[]): string[] {
  const level = (station: string) => rows.findIndex(row => row.includes(station))
  return between(graph, daemon)
    .filter(({ from, to }) => level(to) >= level(from))
    .map(({ file, target }) => `${file} imports ${target}`)
}

/** The stations as a graph of their own. */
function stationCycles(graph: ImportGraph, top: string): string[][] {
  const stations = Map.groupBy(between(graph, top), ({ from }) => from)
  const imports = (list: readonly { readonly to: string }[]) =>
    [...new Set(list.map(({ to }) => to))].map(target => ({ target, local: true, typeOnly: false }))
  return cycles(new Map([...stations].map(([station, list]) => [station, imports(list)])))
}

for (const [daemon, rows] of Object.entries(STATIONS)) {
  const graph = readImports([daemon])

  test(`${daemon}: every station has its place`, t => {
    const stations = new Set([...graph.keys()].map(stationOf))
    t.deepEqual([...stations].sort(), rows.flat().sort())
  })

  test(`${daemon}: no station imports a higher one`, t => {
    t.deepEqual(upwards(graph, daemon, rows), [])
  })
}

for (const top of Object.keys(STATIONS))
  test(`${top}: no stations import each other in a circle`, t => {
    t.deepEqual(
      stationCycles(readImports([top]), top).map(cycle => cycle.join(' → ')),
      [],
    )
  })

test('the checks see what they are for', t => {
  const graph: ImportGraph = new Map(
    Object.entries({
      'a/low/x.ts': `import type { Y } from '../high/y.ts'\n`,
      'a/high/y.ts': `import { z } from './deep/z.ts'\n`,
      'a/high/deep/z.ts': `import { w } from '../../low/w.ts'\n`,
      'a/low/w.ts': '',
    }).map(([file, text]) => [file, importsOf(text, file)]),
  )
  t.deepEqual(upwards(graph, 'a', [['low'], ['high']]), ['a/low/x.ts imports a/high/y.ts'])
  t.deepEqual(upwards(graph, 'a', [['low', 'high']]).length, 2)
  t.deepEqual(stationCycles(graph, 'a'), [['low', 'high', 'low']])
})
