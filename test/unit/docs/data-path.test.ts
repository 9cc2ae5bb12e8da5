import { readFileSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import * as agent from '../../../agent/compile/tables.ts'
import * as director from '../../../director/compile/tables.ts'
import { root } from '../../lab/paths.ts'

const page = readFileSync(path.join(root, 'docs/data-path.md'), 'utf8')

function section(title: string): string {
  const found = page.split(/^## /m).find(text => text.startsWith(`${title}\n`))
  if (found === undefined) throw new Error(`docs/data-path.md has no section '${title}'`)
  return found
}

/** `name number` of every row whose first cell is a number. */
function rows(text: string): string[] {
  return [...text.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)].flatMap(([, number, names]) =>
    [...names!.matchAll(/`([^`]+)`/g)].map(name => `${name[1]} ${number}`),
  )
}

function named(prefix: string, numbers: Readonly<Record<string, number>>): string[] {
  return Object.entries(numbers).map(([name, number]) => `${prefix}.${name} ${number}`)
}

test('docs/data-path.md names every table, with its number', t => {
  t.deepEqual(
    rows(section('Tables')).sort(),
    [...named('agent', agent.TABLE), ...named('director', director.TABLE)].sort(),
  )
})

test('docs/data-path.md names every priority, with its number, those of table 0 from top to bottom', t => {
  const text = section('Priorities in table 0')
  const listed = rows(text)
  const inline = [...text.matchAll(/`((?:agent|director)\.\w+)` (\d+)/g)].map(([, name, number]) => `${name} ${number}`)
  t.deepEqual(
    [...listed, ...inline].sort(),
    [...named('agent', agent.PRIORITY), ...named('director', director.PRIORITY)].sort(),
  )
  const order = listed.map(row => Number(row.split(' ')[1]))
  t.deepEqual(
    order,
    order.toSorted((a, b) => b - a),
  )
})

test('docs/data-path.md names the registers', t => {
  const listed = [...section('Registers and cookies').matchAll(/^\| `(reg\d+)` \| ([^|]+) \|/gm)].flatMap(
    ([, reg, names]) => [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => `${name} ${reg}`),
  )
  t.deepEqual(listed.sort(), [
    `agent.FORWARDED ${agent.FORWARDED}`,
    `agent.FROM_DIRECTOR ${agent.FROM_DIRECTOR}`,
    `agent.INGRESS_PORT ${agent.INGRESS_PORT}`,
    `agent.REAL_SERVER ${agent.REAL_SERVER}`,
    `agent.SIGNAL ${agent.SIGNAL}`,
    `agent.SOURCE_PORT ${agent.SOURCE_PORT}`,
    `agent.TAUGHT ${agent.TAUGHT}`,
    `director.ENTERED ${director.ENTERED}`,
    `director.FORWARDED ${director.FORWARDED}`,
    `director.MARK ${director.MARK}`,
    `director.SIGNAL ${director.SIGNAL}`,
    `director.TAKEN ${director.TAKEN}`,
    `director.WAITED ${director.WAITED}`,
  ])
})
