import { readFileSync } from 'node:fs'
import test from 'ava'
import { CrossportError } from '../../../shared/errors.ts'
import type { Group } from '../../../shared/flows/types.ts'
import * as of from '../../../shared/openflow/messages.ts'
import { readOxm } from '../../../shared/openflow/oxm.ts'
import { actionsText, flowText, groupText, matchText } from '../../../shared/openflow/text.ts'
import type { Action, Match } from '../../../shared/openflow/types.ts'

const bytesOf = (name: string): Buffer[] => {
  const text = readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { bytes: string }[]).map(vector => Buffer.from(vector.bytes, 'hex'))
}

/** A decoder may throw only OPENFLOW_MALFORMED, whatever its input. */
const survives = (decode: () => unknown): boolean => {
  try {
    decode()
    return true
  } catch (error) {
    return error instanceof CrossportError && error.code === 'OPENFLOW_MALFORMED'
  }
}

const multipart = (type: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(16)
  head.set([6, 19])
  head.writeUInt16BE(16 + body.length, 2)
  head.writeUInt16BE(type, 8)
  return Buffer.concat([head, body])
}

/** A flow-desc entry made from a FLOW_MOD's match and instructions. */
const entryOf = (mod: Buffer): Buffer => {
  const match = 8 * Math.ceil(mod.readUInt16BE(50) / 8)
  const head = Buffer.alloc(24)
  const stats = Buffer.from('0000000400000000', 'hex')
  const entry = Buffer.concat([head, mod.subarray(48, 48 + match), stats, mod.subarray(48 + match)])
  entry.writeUInt16BE(entry.length, 0)
  return entry
}

test('every cut and every spoilt byte of a flow is decoded or refused, never a crash', t => {
  for (const mod of [...bytesOf('flows'), ...bytesOf('strangers')]) {
    const entry = entryOf(mod)
    const whole = multipart(of.MULTIPART.FLOW_DESC, entry)
    t.is(of.decodeFlowDesc(whole).length, 1)
    for (let i = 16; i < whole.length; i++) {
      t.throws(() => of.decodeFlowDesc(whole.subarray(0, i === 16 ? 15 : i)), { code: 'OPENFLOW_MALFORMED' })
      for (const value of [0, 1, 0xff, whole[i]! ^ 0x80]) {
        const spoilt = Buffer.from(whole)
        spoilt[i] = value
        if (!survives(() => of.decodeFlowDesc(spoilt).map(flowText)))
          t.fail(`byte ${i} = ${value} of ${whole.toString('hex')}`)
      }
    }
  }
})

test('every cut and every spoilt byte of a group is decoded or refused, never a crash', t => {
  for (const mod of bytesOf('groups')) {
    for (let i = 8; i < mod.length; i++) {
      t.true(survives(() => of.decodeGroupMod(mod.subarray(0, i))))
      for (const value of [0, 1, 0xff, mod[i]! ^ 0x80]) {
        const spoilt = Buffer.from(mod)
        spoilt[i] = value
        if (!survives(() => groupText(of.decodeGroupMod(spoilt).group as Group))) t.fail(`byte ${i} = ${value}`)
      }
    }
  }
})

test("a stranger's flow does not spoil the dump it is in", t => {
  const strangers = bytesOf('strangers').map(entryOf)
  const known = entryOf(bytesOf('flows')[0]!)
  const flows = of.decodeFlowDesc(multipart(of.MULTIPART.FLOW_DESC, Buffer.concat([...strangers, known])))
  t.is(flows.length, strangers.length + 1)
  t.regex(flowText(flows.at(-1)!), /set_field:8080->tcp_dst,output:3$/)
  t.is(new Set(flows.map(flow => flowText(flow) + flow.unknownFields)).size, flows.length)
})

test('a field of a width that is not its own is not known', t => {
  t.is(readOxm(Buffer.from('80000a0108', 'hex'), 0, 5), undefined)
  t.is(readOxm(Buffer.from('80000c03100500', 'hex'), 0, 7), undefined)
  t.is(readOxm(Buffer.from('80000e010f', 'hex'), 0, 5), undefined, 'a priority of 3 bits that is 15')
})

const refused: readonly Match[] = [
  { tcp_dst: 65536 },
  { tcp_dst: -1 },
  { tcp_dst: 1.5 },
  { tcp_dst: 'http' },
  { ipv4_dst: '10.10.1' },
  { ipv4_dst: '10.10.1.256' },
  { ipv4_dst: '10.10.1.0/33' },
  { ipv4_dst: '10..1.0' },
  { eth_dst: '52:54:00:00:00' },
  { eth_dst: '52:54:00:00:00:0g' },
  { eth_dst: '52-54-00-00-00-01' },
  { ipv6_dst: '1::2::3' },
  { ipv6_dst: '1:2:3:4:5:6:7' },
  { ipv6_dst: '::10000' },
  { arp_op: '1/0xff' },
  { ct_state: '+trk+nonsense' },
  { metadata: 1n << 64n },
]

for (const match of refused)
  test(`refused: ${Object.entries(match).flat().join('=')}`, t => {
    t.throws(() => matchText(match), { instanceOf: CrossportError, code: 'OPENFLOW_VALUE_INVALID' })
  })

const impossible: readonly Action[] = [
  { type: 'set_field', field: 'tcp_dst', value: 70000 },
  { type: 'move', src: { field: 'reg0' }, dst: { field: 'tcp_dst' } },
  { type: 'move', src: { field: 'reg0', offset: 30, bits: 4 }, dst: { field: 'reg1', offset: 0, bits: 4 } },
  { type: 'resubmit' },
]

for (const action of impossible)
  test(`refused: ${JSON.stringify(action)}`, t => {
    const flow = { table: 0, priority: 1, cookie: 0n, match: {}, actions: [action] }
    t.throws(() => of.encodeFlowMod(1, 'add', flow), { instanceOf: CrossportError, code: 'OPENFLOW_VALUE_INVALID' })
  })

test('a group that does not fit one message is refused', t => {
  const buckets = Array.from({ length: 3000 }, (_, id) => ({
    id,
    weight: 1,
    actions: [{ type: 'output', port: 1 } as const],
  }))
  t.throws(() => of.encodeGroupMod(1, 'add', { id: 1, type: 'select', buckets }), { code: 'OPENFLOW_VALUE_INVALID' })
  t.throws(
    () =>
      of.encodeGroupMod(1, 'add', { id: 1, type: 'select', selectionMethod: 'hash', hashFields: ['src'], buckets: [] }),
    {
      code: 'OPENFLOW_VALUE_INVALID',
    },
  )
})

test('errors have names', t => {
  const error = (type: number, code: number) =>
    of.decodeError(Buffer.from([6, 1, 0, 12, 0, 0, 0, 9, 0, type, 0, code])).name
  t.is(error(17, 13), 'OFPBFC_MSG_FAILED')
  t.is(error(5, 1), 'OFPFMFC_TABLE_FULL')
  t.is(error(99, 1), 'type 99 code 1')
  t.throws(() => of.decodeError(Buffer.from('0601000800000001', 'hex')), { code: 'OPENFLOW_MALFORMED' })
})

test('one flow has one text', t => {
  t.is(matchText({ ipv4_dst: '10.1.2.3/255.255.0.0', eth_type: 0x800 }), 'ip,nw_dst=10.1.0.0/16')
  t.is(
    matchText({ eth_type: 0x800, ip_proto: 6, tcp_dst: '0x50/0xffff' }),
    matchText({ tcp_dst: 80, ip_proto: 6, eth_type: 2048 }),
  )
  t.is(matchText({ xreg0: 0x0000000100000002n }), matchText({ reg1: 2, reg0: 1 }))
  t.is(matchText({ metadata: '0x0/0x0', tun_id: 7n }), 'tun_id=0x7')
  t.is(matchText({ ipv6_dst: '0:0::1', eth_type: 0x86dd }), 'ipv6,ipv6_dst=::1')
  t.is(actionsText([]), 'drop')
})
