import test from 'ava'
import fc from 'fast-check'
import { CrossportError } from '../../../shared/errors.ts'
import type { Flow, Group } from '../../../shared/flows/types.ts'
import * as of from '../../../shared/openflow/messages.ts'
import { actionsText } from '../../../shared/openflow/text.ts'
import { type Action, PORT } from '../../../shared/openflow/types.ts'
import { createWriter } from '../../../shared/openflow/writer.ts'

/** Refused values with their errors: the field, the value and the range. */
type Refused = readonly [write: () => unknown, message: RegExp]

const flowOf = (part: Partial<Flow>): Flow => ({ table: 0, priority: 1, cookie: 0n, match: {}, actions: [], ...part })
const mod = (part: Partial<Flow>, options?: of.FlowOptions) => () => of.encodeFlowMod(1, 'add', flowOf(part), options)
const action = (one: Action) => mod({ actions: [one] })
const groupOf = (part: Partial<Group>) => () =>
  of.encodeGroupMod(1, 'add', { id: 1, type: 'select', buckets: [], ...part })
const meter = (part: Partial<of.Meter>) => () => of.encodeMeterMod(1, 'add', { id: 1, rate: 1, burst: 1, ...part })
const sample = (part: object) =>
  action({ type: 'sample', probability: 1, collectorSet: 1, domain: 1, point: 1, ...part })
const learn = (part: object) => action({ type: 'learn', table: 1, priority: 1, cookie: 0n, specs: [], ...part })

const refused: Readonly<Record<string, Refused>> = {
  goto_table: [action({ type: 'goto_table', table: 300 }), /goto_table.*300.*0 to 254/],
  'all tables as the goal of goto_table': [action({ type: 'goto_table', table: 255 }), /goto_table.*255.*0 to 254/],
  'ct zone': [action({ type: 'ct', zone: 70000 }), /zone.*70000.*0 to 65535/],
  'ct table': [action({ type: 'ct', zone: 1, table: 300 }), /table.*300.*0 to 254/],
  'ct without recirculation, said as a table': [action({ type: 'ct', zone: 1, table: 255 }), /table.*255.*0 to 254/],
  'within ct': [action({ type: 'ct', zone: 1, exec: [{ type: 'group', group: -1 }] }), /group.*-1.*0 to 4294967295/],
  'within clone': [action({ type: 'clone', actions: [{ type: 'meter', meter: 2 ** 32 }] }), /meter.*4294967296/],
  output: [action({ type: 'output', port: 2 ** 32 }), /port.*4294967296.*0 to 4294967295/],
  'output, not a whole number': [action({ type: 'output', port: 1.5 }), /port.*1\.5/],
  'output, no number': [action({ type: 'output', port: Number.NaN }), /port.*NaN/],
  'bytes to the controller': [
    action({ type: 'output', port: PORT.CONTROLLER, maxLen: 70000 }),
    /max_len.*70000.*0 to 65535/,
  ],
  'bytes of a cut packet': [action({ type: 'output', port: 1, maxLen: 2 ** 32 }), /max_len.*4294967296/],
  'port of a cut packet': [action({ type: 'output', port: 70000, maxLen: 64 }), /port.*70000.*0 to 65279/],
  'port of resubmit': [action({ type: 'resubmit', port: 70000, table: 1 }), /port.*70000.*0 to 65279/],
  'table of resubmit': [action({ type: 'resubmit', table: 256 }), /table.*256.*0 to 254/],
  'in_port that is set': [action({ type: 'set_field', field: 'in_port', value: 70000 }), /in_port.*70000.*0 to 65279/],
  push_vlan: [action({ type: 'push_vlan', ethertype: 0x18100 }), /ethertype.*98560/],
  group: [action({ type: 'group', group: 2 ** 32 + 7 }), /group.*4294967303/],
  'conjunction, id': [action({ type: 'conjunction', id: 2 ** 32, clause: 1, of: 2 }), /conjunction.*4294967296/],
  'conjunction, clause': [action({ type: 'conjunction', id: 1, clause: 3, of: 2 }), /conjunction.*3.*1 to 2/],
  'conjunction, clause 0': [action({ type: 'conjunction', id: 1, clause: 0, of: 2 }), /conjunction.*0.*1 to 2/],
  'conjunction, clauses': [action({ type: 'conjunction', id: 1, clause: 1, of: 300 }), /conjunction.*300.*2 to 64/],
  'sample, probability': [sample({ probability: 65536 }), /probability.*65536.*1 to 65535/],
  'sample, never': [sample({ probability: 0 }), /probability.*0.*1 to 65535/],
  'sample, collector set': [sample({ collectorSet: 2 ** 32 }), /collector_set_id.*4294967296/],
  'sample, domain': [sample({ domain: -1 }), /obs_domain_id.*-1/],
  'sample, point': [sample({ point: 2 ** 32 }), /obs_point_id.*4294967296/],
  'output of a field, bytes': [
    action({ type: 'output_field', src: { field: 'reg0' }, maxLen: 65536 }),
    /max_len.*65536/,
  ],
  'output of a field that is too wide': [action({ type: 'output_field', src: { field: 'ct_label' } }), /bits.*128/],
  'a part of a field': [
    action({ type: 'output_field', src: { field: 'reg0', offset: 0.5, bits: 4 } }),
    /reg0\[0\.5\.\.3\.5\]/,
  ],
  'learn, table': [learn({ table: 300 }), /table.*300.*0 to 254/],
  'learn, priority': [learn({ priority: 65536 }), /priority.*65536/],
  'learn, timeout': [learn({ idleTimeout: 70000 }), /idle_timeout.*70000/],
  'learn, hard timeout': [learn({ hardTimeout: -1 }), /hard_timeout.*-1/],
  'learn, cookie': [learn({ cookie: 1n << 64n }), /cookie.*18446744073709551616/],
  'learn, a value wider than its part': [
    learn({ specs: [{ type: 'load', dst: { field: 'reg0', offset: 0, bits: 16 }, src: { value: 70000 } }] }),
    /REG0\[0\.\.15\].*70000.*0 to 65535/,
  ],
  'learn, a value with a mask': [
    learn({ specs: [{ type: 'match', dst: { field: 'reg0' }, src: { value: '1/0xff' } }] }),
    /REG0.*1\/0xff.*mask/,
  ],
  'learn, parts of different widths': [
    learn({ specs: [{ type: 'load', dst: { field: 'reg0' }, src: { field: 'tcp_dst' } }] }),
    /16 bits to 32 bits/,
  ],
  'an action of a stranger that is no bytes': [
    action({ type: 'unknown', of: 'action', hex: '00000010zz' }),
    /unknown action.*00000010zz/,
  ],
  'an action after goto_table': [
    mod({
      actions: [
        { type: 'goto_table', table: 1 },
        { type: 'output', port: 1 },
      ],
    }),
    /goto_table.*last/,
  ],
  'a flag of ct_state that is none': [mod({ match: { ct_state: '+' } }), /ct_state=\+/],
  'a flag of ct_state that is set and is not': [mod({ match: { ct_state: '+trk-trk' } }), /ct_state=\+trk-trk/],
  'a bit of the VLAN priority, which no match can carry': [
    mod({ match: { vlan_tci: '0x2000/0x2000' } }),
    /vlan_tci=0x2000\/0x2000/,
  ],
  'a part of the VLAN priority': [mod({ match: { vlan_tci: '0x3005/0x3fff' } }), /vlan_tci=0x3005\/0x3fff/],
  'a VLAN priority of 0, with a tag or without': [mod({ match: { vlan_tci: '0/0xe000' } }), /vlan_tci=0\/0xe000/],
  'a VLAN priority without a tag': [mod({ match: { vlan_tci: '0x6000/0xe000' } }), /vlan_tci=0x6000\/0xe000/],
  'flow, table': [mod({ table: 255 }), /table.*255.*0 to 254/],
  'flow, priority': [mod({ priority: 65536 }), /priority.*65536.*0 to 65535/],
  'flow, cookie': [mod({ cookie: -1n }), /cookie.*-1.*0 to 18446744073709551615/],
  'flow, cookie mask': [mod({}, { cookieMask: 1n << 64n }), /cookie mask.*18446744073709551616/],
  'flow, idle timeout': [mod({}, { idleTimeout: 70000 }), /idle_timeout.*70000/],
  'flow, hard timeout': [mod({}, { hardTimeout: 70000 }), /hard_timeout.*70000/],
  'flow, flags': [mod({}, { flags: 0x10000 }), /flags.*65536/],
  'group, id': [groupOf({ id: 2 ** 32 }), /group.*4294967296/],
  'group, type': [groupOf({ type: 'fast' as Group['type'] }), /type.*fast/],
  'group, bucket': [groupOf({ buckets: [{ id: -1, weight: 1, actions: [] }] }), /bucket.*-1/],
  'group, weight': [groupOf({ buckets: [{ id: 1, weight: 70000, actions: [] }] }), /weight.*70000.*0 to 65535/],
  'group, selection method': [
    groupOf({ selectionMethod: 'a-method-too-long' as 'hash' }),
    /selection_method.*a-method-too-long.*15/,
  ],
  'group, fields of no method': [groupOf({ hashFields: ['tcp_src'] }), /fields.*selection_method/],
  'meter, id': [meter({ id: 2 ** 32 }), /meter.*4294967296/],
  'meter, rate': [meter({ rate: -5 }), /rate.*-5/],
  'meter, burst': [meter({ burst: 1.5 }), /burst.*1\.5/],
  'filter, table': [() => of.encodeFlowDescRequest(1, { table: 256 }), /table.*256.*0 to 255/],
  'filter, cookie': [() => of.encodeFlowDescRequest(1, { cookie: { cookie: -1n, mask: 0n } }), /cookie.*-1/],
  'monitor, id': [() => of.encodeFlowMonitor(1, { id: 2 ** 32 }), /monitor.*4294967296/],
  'bundle, id': [() => of.encodeBundleControl(1, 2 ** 32, 'open'), /bundle.*4294967296/],
  xid: [() => of.encodeBarrierRequest(2 ** 32), /xid.*4294967296/],
  'bytes of a packet-in': [() => of.encodeSetConfig(1, 70000), /miss_send_len.*70000/],
  'port of a packet-out': [
    () => of.writePacketOut(createWriter(), 1, { inPort: 2 ** 32, actions: [], data: new Uint8Array() }),
    /in_port/,
  ],
}

for (const [what, [write, message]] of Object.entries(refused))
  test(`refused, not cut: ${what}`, t => {
    t.throws(write, { instanceOf: CrossportError, code: 'OPENFLOW_VALUE_INVALID', message })
  })

test('the largest and the smallest values are written', t => {
  const actions: Action[] = [
    { type: 'output', port: 0xfeff, maxLen: 0xffffffff },
    { type: 'output', port: PORT.LOCAL, maxLen: 64 },
    { type: 'set_field', field: 'in_port', value: PORT.LOCAL },
    { type: 'ct', zone: 0xffff, table: 254 },
    { type: 'resubmit', port: 0xfeff, table: 254 },
    { type: 'conjunction', id: 0xffffffff, clause: 64, of: 64 },
    { type: 'sample', probability: 0xffff, collectorSet: 0xffffffff, domain: 0, point: 0xffffffff },
    { type: 'group', group: 0xffffff00 },
    { type: 'goto_table', table: 254 },
  ]
  const flow = flowOf({ table: 254, priority: 0xffff, cookie: (1n << 64n) - 1n, actions })
  t.deepEqual(of.decodeFlowMod(of.encodeFlowMod(0xffffffff, 'add', flow)).flow, flow)
  t.notThrows(() => of.encodeFlowMod(1, 'delete', { ...flow, table: 255 }))
})

/** Numbers of every kind, most of them at a bound of 8, 16 or 32 bits. */
const number = fc.oneof(
  fc.constantFrom(-1, 0, 1, 2, 63, 64, 65, 254, 255, 256, 0xfeff, 0xff00, 0xffff, 0x10000, 0xffffff00, 0xfffffffe),
  fc.constantFrom(0xffffffff, 2 ** 32, 2 ** 40, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER),
  fc.integer({ min: 0, max: 300 }),
  fc.nat(),
)
const part = fc.record({
  field: fc.constantFrom('reg0', 'tcp_dst', 'ct_label', 'in_port'),
  offset: number,
  bits: number,
})
const value = fc.oneof(number, fc.bigInt({ min: -1n, max: 1n << 129n }))
const field = fc.constantFrom('in_port', 'reg1', 'tcp_dst', 'eth_src', 'metadata', 'ct_label', 'ip_dscp')
const type = <T extends string>(name: T) => fc.constant(name)
const anyAction = fc.oneof(
  fc.record({ type: type('output'), port: number, maxLen: number }, { requiredKeys: ['type', 'port'] }),
  fc.record({ type: type('set_field'), field, value }),
  fc.record({ type: type('move'), src: part, dst: part }),
  fc.record({ type: type('push_vlan'), ethertype: number }),
  fc.record({ type: type('group'), group: number }),
  fc.record({ type: type('meter'), meter: number }),
  fc.record({ type: type('resubmit'), port: number, table: number }),
  fc.record({ type: type('ct'), zone: number, table: number }, { requiredKeys: ['type', 'zone'] }),
  fc.record({ type: type('conjunction'), id: number, clause: number, of: number }),
  fc.record({ type: type('sample'), probability: number, collectorSet: number, domain: number, point: number }),
  fc.record({ type: type('output_field'), src: part }),
  fc.record({ type: type('goto_table'), table: number }),
  fc.record({
    type: type('learn'),
    table: number,
    priority: number,
    idleTimeout: number,
    hardTimeout: number,
    cookie: fc.bigInt({ min: -1n, max: 1n << 65n }),
    specs: fc.array(fc.record({ type: type('load'), dst: part, src: fc.record({ value }) }), { maxLength: 2 }),
  }),
)

test('whatever the numbers, an action is refused or read back as it was', t => {
  let written = 0
  fc.assert(
    fc.property(anyAction, any => {
      const one = any as Action
      let bytes: Buffer
      try {
        bytes = of.encodeFlowMod(1, 'add', flowOf({ actions: [one] }))
      } catch (error) {
        if (error instanceof CrossportError && error.code === 'OPENFLOW_VALUE_INVALID') return
        throw error
      }
      written++
      t.is(actionsText(of.decodeFlowMod(bytes).flow.actions), actionsText([one]))
    }),
    { numRuns: 5000 },
  )
  t.true(written > 500, `${written} were written`)
})
