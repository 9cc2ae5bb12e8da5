// Makes vectors.jsonl anew: `node test/unit/ovsdb/_record-vectors.ts`. What ovsdb-server sends is taken from the log of
// ovsdb-client(1), what the rows must then be from `ovsdb-client dump`; no code of ours has part in either.
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { startServer } from './_server.ts'

const TABLES = {
  Bridge: ['name', 'ports', 'datapath_id', 'datapath_type', 'fail_mode'],
  Port: ['name', 'interfaces', 'tag', 'trunks', 'vlan_mode'],
  Interface: ['name', 'type', 'ofport', 'external_ids', 'mac_in_use', 'mtu', 'link_state', 'error'],
}

/** Each is one transaction that changes something in every table, so that the three monitors stay in step. */
const STEPS = [
  ['add-br br0', 'set Bridge br0 datapath_type=netdev', 'set Interface br0 type=internal'],
  ['add-port br0 vnet1', 'set Interface vnet1 external_ids:attached-mac=52:54:00:AA:BB:01 external_ids:iface-id=x'],
  [
    'set Bridge br0 fail_mode=secure',
    'set Port vnet1 tag=7 trunks=1,2,3',
    'set Interface vnet1 external_ids:iface-id=y external_ids:vm-id="üñí \\"{[\\\\"',
  ],
  [
    'clear Bridge br0 fail_mode',
    'remove Port vnet1 trunks 2',
    'remove Interface vnet1 external_ids attached-mac',
    'set Port vnet1 trunks=1,3,4094',
    'set Interface vnet1 ofport_request=3 type=dummy error=oops ofport=-1',
  ],
  ['set Bridge br0 datapath_type=""', 'clear Port vnet1 tag', 'clear Interface vnet1 error'],
  ['add-port br0 vnet2', 'set Port vnet2 vlan_mode=trunk', 'del-port br0 vnet1'],
  ['del-br br0'],
].map(step => step.flatMap(command => ['--', ...split(command)]))

/** Shell words as far as needed: double quotes with backslash. */
function split(command: string): string[] {
  return [...command.matchAll(/(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g)].map(([word]) => word)
}

const cleanups: (() => unknown)[] = []
const server = await startServer({ teardown: fn => void cleanups.push(fn) })
const remote = `unix:${server.socket}`

const [first, ...steps] = STEPS
await server.vsctl(...first!)

const news = new EventEmitter()
const METHODS = { monitor_cond_since: 'monitor-cond-since', monitor_cond: 'monitor-cond', monitor: 'monitor' }
const monitors = Object.entries(METHODS).flatMap(([method, command]) =>
  Object.entries(TABLES).map(([table, columns]) => {
    const condition = method === 'monitor' ? [] : ['[true]']
    const args = ['-v', command, remote, 'Open_vSwitch', ...condition, table, columns.join(',')]
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'ovsdb-client', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const record: { method: string; table: string; answer?: unknown; updates: unknown[] } = {
      method,
      table,
      updates: [],
    }
    let asked = ''
    let text = ''
    child.stderr.setEncoding('utf8').on('data', chunk => {
      const lines = (text += chunk).split('\n')
      text = lines.pop()!
      for (const line of lines) {
        const request = /send request, method="(monitor\w*)".* id=(\d+)$/.exec(line)
        if (request !== null) asked = request[2]!
        const reply = /received reply, result=(.*), id=(\d+)$/.exec(line)
        if (reply !== null && reply[2] === asked) record.answer = JSON.parse(reply[1]!)
        const update = /received notification, method="(update\d?)", params=(.*)$/.exec(line)
        if (update !== null) record.updates.push({ method: update[1], params: JSON.parse(update[2]!) })
      }
      news.emit('line')
    })
    return { child, record }
  }),
)

async function until(done: () => boolean) {
  while (!done()) await once(news, 'line')
}

async function dump() {
  const tables: Record<string, unknown> = {}
  for (const [table, columns] of Object.entries(TABLES)) {
    const text = await server.client('-f', 'json', 'dump', remote, 'Open_vSwitch', table, '_uuid', ...columns)
    tables[table] = JSON.parse(text)
  }
  return tables
}

await until(() => monitors.every(({ record }) => record.answer !== undefined))
const dumps = [await dump()]
for (const [index, step] of steps.entries()) {
  await server.vsctl(...step)
  await until(() => monitors.every(({ record }) => record.updates.length > index))
  dumps.push(await dump())
}
const lines = [
  { note: 'Recorded by _record-vectors.ts from ovsdb-client (Open vSwitch 3.1.0). Do not edit.', tables: TABLES },
  ...monitors.map(({ record }) => record),
  ...dumps.map(tables => ({ dump: tables })),
]
await writeFile(new URL('vectors.jsonl', import.meta.url), lines.map(line => `${JSON.stringify(line)}\n`).join(''))
for (const { child } of monitors) child.kill()
for (const fn of cleanups.toReversed()) await fn()
