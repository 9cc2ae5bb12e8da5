import test from 'ava'
import { printOf } from '../../../shared/flows/entries.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import * as of from '../../../shared/openflow/messages.ts'
import { actionsText, flowText } from '../../../shared/openflow/text.ts'

/** A FLOW_MOD that applies these actions, each in hexadecimal. */
const modOf = (...actions: string[]): Buffer => {
  const list = actions.join('')
  const instruction = `0004${(8 + list.length / 2).toString(16).padStart(4, '0')}00000000${list}`
  const empty = of.encodeFlowMod(1, 'add', { table: 0, priority: 1, cookie: 0n, match: {}, actions: [] })
  const mod = Buffer.concat([empty, Buffer.from(instruction, 'hex')])
  mod.writeUInt16BE(mod.length, 2)
  return mod
}
const flowOf = (...actions: string[]): Flow => of.decodeFlowMod(modOf(...actions)).flow

/** Actions as another controller may have written them, and crossport writes them otherwise. */
const OTHER_FORMS: Readonly<Record<string, string>> = {
  'a mask of all ones in set_field': '001900100001010800000005ffffffff',
  'max_len of an output to a port': '0000001000000003ffe5000000000000',
  'bytes behind an output that should be zero': '00000010000000030000000000000001',
  'bytes behind dec_ttl that should be zero': '0018000801000000',
  'a move between fields in their older form': '001c001800300000000000000000040600000206'.concat('00000000'),
  'a resubmit without a table': 'ffff0010000023200001000700000000',
  'a conjunction of no clauses': 'ffff0010000023200022000000000001',
  'a sample of nothing': 'ffff00180000232000'.concat('1d0000000000010000000100000001'),
}

for (const [what, hex] of Object.entries(OTHER_FORMS))
  test(`kept whole: ${what}`, t => {
    const flow = flowOf(hex)
    t.deepEqual(flow.actions, [{ type: 'unknown', of: 'action', hex }])
    t.is(of.encodeFlowMod(1, 'add', flow).toString('hex'), modOf(hex).toString('hex'))
  })

test('flows that are told apart by their prints are told apart by their texts', t => {
  const flows = ['00000010000000030000000000000000', '0000001000000003ffe5000000000000'].map(hex => flowOf(hex))
  const prints = flows.map(flow => ({ ...printOf(flow) }))
  t.notDeepEqual(prints[0], prints[1])
  t.not(flowText(flows[0]!), flowText(flows[1]!))
  t.is(actionsText(flows[0]!.actions), 'output:3')
})

test('actions nested without end are kept, too, and read in a moment', t => {
  let hex = ''
  for (let depth = 0; depth < 3000; depth++)
    hex = `ffff${(16 + hex.length / 2).toString(16).padStart(4, '0')}00002320002a000000000000${hex}`
  const { actions } = flowOf(hex)
  t.is(actions[0]?.type, 'clone')
  t.is(of.encodeFlowMod(1, 'add', flowOf(hex)).toString('hex'), modOf(hex).toString('hex'))
})

test('a VLAN tag in the older form, which says what no match of ours can, is kept apart from the match', t => {
  const mod = of.encodeFlowMod(1, 'add', { table: 0, priority: 1, cookie: 0n, match: {}, actions: [] })
  const match = Buffer.from('0001000c000009042000200000000000', 'hex')
  const read = of.decodeFlowMod(Buffer.concat([mod.subarray(0, 48), match]))
  t.deepEqual(read.flow.match, {})
  t.is(read.unknownFields, '0000090420002000')
})

test('a field that is matched twice is kept apart from the match, however often it comes', t => {
  const mod = of.encodeFlowMod(1, 'add', { table: 0, priority: 1, cookie: 0n, match: {}, actions: [] })
  const fields = [...Array(13_000).keys()].map(i => `80001401${(i % 256).toString(16).padStart(2, '0')}`).join('')
  const length = 4 + fields.length / 2
  const match = Buffer.from(`0001${length.toString(16)}${fields}`.padEnd(16 * Math.ceil(length / 8), '0'), 'hex')
  const start = process.cpuUsage().user
  const { flow, unknownFields } = of.decodeFlowMod(Buffer.concat([mod.subarray(0, 48), match]))
  t.true(process.cpuUsage().user - start < 1e6, 'as long as it has bytes')
  t.deepEqual(flow.match, { ip_proto: 0 })
  t.is(unknownFields, fields.slice(10))
})

test("a stranger's instructions stay in their order", t => {
  const metadata = '00020018000000000000000000000005ffffffffffffffff'
  const applied = '000400180000000000000010000000030000000000000000'
  const empty = of.encodeFlowMod(1, 'add', { table: 0, priority: 1, cookie: 0n, match: {}, actions: [] })
  for (const hex of [metadata + applied, applied + metadata, applied + metadata + applied]) {
    const mod = Buffer.concat([empty, Buffer.from(hex, 'hex')])
    mod.writeUInt16BE(mod.length, 2)
    t.is(of.encodeFlowMod(1, 'add', of.decodeFlowMod(mod).flow).toString('hex'), mod.toString('hex'))
  }
})
