import test from 'ava'
import { cycles, type ImportGraph, importsOf, readImports } from './imports.ts'
import { STATIONS } from './stations.ts'

/** `agent/guest/writers/all.ts` is in room `guest`, `agent/run.ts` in room `run.ts`. */
const roomOf = (file: string) => file.split('/')[1] ?? ''

/** Each import from one room of a daemon to another. */
function between(graph: ImportGraph, daemon: string) {
  const inside = (file: string) => file.startsWith(`${daemon}/`)
  return [...graph].flatMap(([file, imports]) =>
    imports
      .filter(({ target }) => inside(file) && inside(target) && roomOf(file) !== roomOf(target))
      .map(({ target }) => ({ file, target, from: roomOf(file), to: roomOf(target) })),
  )
}

function upwards(graph: ImportGraph, daemon: string, rows: readonly (readonly string[])[]): string[] {
  const level = (room: string) => rows.findIndex(row => row.includes(room))
  return between(graph, daemon)
    .filter(({ from, to }) => level(to) >= level(from))
    .map(({ file, target }) => `${file} imports ${target}`)
}

/** The rooms as a graph of their own. */
function roomCycles(graph: ImportGraph, top: string): string[][] {
  const rooms = Map.groupBy(between(graph, top), ({ from }) => from)
  const imports = (list: readonly { readonly to: string }[]) =>
    [...new Set(list.map(({ to }) => to))].map(target => ({ target, local: true, typeOnly: false }))
  return cycles(new Map([...rooms].map(([room, list]) => [room, imports(list)])))
}

for (const [daemon, rows] of Object.entries(STATIONS)) {
  const graph = readImports([daemon])

  test(`${daemon}: every room has its place, and every place its room`, t => {
    const rooms = new Set([...graph.keys()].map(roomOf))
    t.deepEqual([...rooms].sort(), rows.flat().sort())
  })

  test(`${daemon}: no room imports a higher station`, t => {
    t.deepEqual(upwards(graph, daemon, rows), [])
  })
}

for (const top of Object.keys(STATIONS))
  test(`${top}: no rooms import each other in a circle`, t => {
    t.deepEqual(
      roomCycles(readImports([top]), top).map(cycle => cycle.join(' → ')),
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
  t.deepEqual(roomCycles(graph, 'a'), [['low', 'high', 'low']])
})
