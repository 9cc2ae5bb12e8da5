import { readFileSync } from 'node:fs'
import { CrossportError } from '../../../shared/errors.ts'
import type { Flow, Group } from '../../../shared/flows/types.ts'
import { createFramer } from '../../../shared/openflow/framer.ts'
import * as of from '../../../shared/openflow/messages.ts'
import { flowText, groupText } from '../../../shared/openflow/text.ts'
import type { Target } from '../engine.ts'

const vectorsOf = (name: string): Buffer[] => {
  const text = readFileSync(new URL(`../../unit/openflow/vectors/${name}.json`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { bytes: string }[]).map(({ bytes }) => Buffer.from(bytes, 'hex'))
}

const messageOf = (type: number, body: Buffer): Buffer => {
  const message = Buffer.concat([Buffer.from([6, type, 0, 0, 0, 0, 0, 1]), body])
  message.writeUInt16BE(message.length, 2)
  return message
}
const multipart = (type: number, ...entries: Buffer[]): Buffer =>
  messageOf(of.TYPE.MULTIPART_REPLY, Buffer.concat([Buffer.from([0, type, 0, 0, 0, 0, 0, 0]), ...entries]))
const withLength = (entry: Buffer): Buffer => {
  entry.writeUInt16BE(entry.length, 0)
  return entry
}

const STATS = Buffer.from(
  '00000030800204080000000500000006800208040000000780020a08000000000000000880020c080000000000000009',
  'hex',
)
const ETHERNET = Buffer.from('ffffffffffff02000000001008060001', 'hex')
const IN_PORT = Buffer.from('0001000c80000004000000030000000000', 'hex').subarray(0, 16)

/** Match and instructions of a FLOW_MOD, as a reply carries them. */
const described = (mod: Buffer): Buffer => {
  const end = 48 + 8 * Math.ceil(mod.readUInt16BE(50) / 8)
  return withLength(Buffer.concat([Buffer.alloc(24), mod.subarray(48, end), STATS, mod.subarray(end)]))
}
const monitored = (mod: Buffer): Buffer => {
  const entry = withLength(Buffer.concat([Buffer.alloc(24), mod.subarray(48)]))
  entry.writeUInt16BE(1, 2)
  return entry
}
const groupDescribed = (mod: Buffer): Buffer =>
  withLength(Buffer.concat([Buffer.from([0, 0, mod[10]!, 0]), mod.subarray(12, 18), Buffer.alloc(6), mod.subarray(24)]))

const flows = [...vectorsOf('flows'), ...vectorsOf('strangers')]
const groups = vectorsOf('groups')
const port = Buffer.concat([Buffer.from('0000000300480000', 'hex'), Buffer.alloc(64, 1)])

const SEEDS: readonly Buffer[] = [
  ...flows,
  ...groups,
  ...flows.map(mod => multipart(of.MULTIPART.FLOW_DESC, described(mod))),
  ...flows.slice(0, 8).map(mod => multipart(of.MULTIPART.FLOW_MONITOR, monitored(mod))),
  ...groups.map(mod => multipart(of.MULTIPART.GROUP_DESC, groupDescribed(mod))),
  multipart(of.MULTIPART.GROUP_STATS, withLength(Buffer.alloc(72, 3))),
  multipart(of.MULTIPART.PORT_DESC, port, port),
  multipart(of.MULTIPART.AGGREGATE_STATS, STATS),
  messageOf(of.TYPE.PACKET_IN, Buffer.concat([Buffer.alloc(16), IN_PORT, Buffer.alloc(2), ETHERNET])),
  of.encodePacketOut(1, { inPort: 3, actions: [{ type: 'output', port: 1 }], data: ETHERNET }),
  of.encodeBundleControl(1, 1, 'close'),
  of.encodeHello(1),
  messageOf(of.TYPE.FEATURES_REPLY, Buffer.alloc(24, 9)),
  messageOf(of.TYPE.ERROR, Buffer.from('0003000a060e0000', 'hex')),
  messageOf(of.TYPE.ERROR, Buffer.from('ffff000a00002320060e0000', 'hex')),
]

const DECODERS: Readonly<Record<number, (message: Buffer) => unknown>> = {
  [of.TYPE.HELLO]: of.decodeHello,
  [of.TYPE.ERROR]: of.decodeError,
  [of.TYPE.FEATURES_REPLY]: of.decodeFeatures,
  [of.TYPE.PACKET_IN]: of.decodePacketIn,
  [of.TYPE.PACKET_OUT]: of.decodePacketOut,
  [of.TYPE.BUNDLE_CONTROL]: of.decodeBundleControl,
  [of.TYPE.FLOW_MOD]: message => understood(of.decodeFlowMod(message).flow),
  [of.TYPE.GROUP_MOD]: message => groupText(of.decodeGroupMod(message).group as Group),
}
const MULTIPART_DECODERS: Readonly<Record<number, (message: Buffer) => unknown>> = {
  [of.MULTIPART.FLOW_DESC]: message => {
    of.decodeFlowDesc(message, () => false)
    for (const flow of of.decodeFlowDesc(message)) understood(flow)
    for (const { match } of of.decodeFlowCounts(message))
      flowText({ table: 0, priority: 0, cookie: 0n, match, actions: [] })
  },
  [of.MULTIPART.AGGREGATE_STATS]: of.decodeAggregate,
  [of.MULTIPART.GROUP_STATS]: of.decodeGroupStats,
  [of.MULTIPART.GROUP_DESC]: message => of.decodeGroupDesc(message).map(group => groupText(group as Group)),
  [of.MULTIPART.PORT_DESC]: of.decodePortDesc,
  [of.MULTIPART.FLOW_MONITOR]: message => {
    for (const update of of.decodeFlowUpdates(message)) if ('flow' in update) understood(update.flow)
  },
}

/** A decoded flow has a text. It is refused by the encoder, or encoded so that it decodes to the same flow. */
function understood(flow: Flow): void {
  const text = flowText(flow)
  let written: Buffer
  try {
    written = of.encodeFlowMod(1, 'add', flow)
  } catch (error) {
    if (error instanceof CrossportError && error.code === 'OPENFLOW_VALUE_INVALID') return
    throw error
  }
  const again = flowText(of.decodeFlowMod(written).flow)
  if (again !== text) throw new Error(`${text}\nis written so that it is read as\n${again}`)
}

/** What a switch sends, as bytes of its stream. */
export const openflow: Target = {
  name: 'openflow',
  seeds: SEEDS,
  refuses: ['OPENFLOW_MALFORMED'],
  run: input => {
    const framer = createFramer()
    const middle = input.length >> 1
    for (const chunk of [input.subarray(0, middle), input.subarray(middle)])
      for (const message of framer.push(chunk)) {
        const { type } = of.readHeader(message)
        if (type !== of.TYPE.MULTIPART_REPLY) DECODERS[type]?.(message)
        else MULTIPART_DECODERS[of.readMultipart(message).type]?.(message)
      }
  },
}
