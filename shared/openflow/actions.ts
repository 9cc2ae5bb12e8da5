import { CrossportError } from '../errors.ts'
import { type Field, fieldNamed } from './fields.ts'
import { readLearn, writeLearn } from './learn.ts'
import { oxmSize, readOxm, writeOxm } from './oxm.ts'
import { bitsOf, NXM_IN_PORT, nxmId, oxmId, subfieldOf } from './subfield.ts'
import { type Action, type FieldValue, PORT } from './types.ts'
import { parseValue, toFieldValue } from './value.ts'
import { pad8, raw, setLength, u8, u16, u32, type Writer, zeros } from './writer.ts'

/** Actions (OpenFlow 1.5.1, 7.2.6; Nicira's, as ovs-actions(7) lists them): type 16, length 16, body; multiples of 8. */

const TYPE = {
  OUTPUT: 0,
  PUSH_VLAN: 17,
  POP_VLAN: 18,
  GROUP: 22,
  DEC_TTL: 24,
  SET_FIELD: 25,
  COPY_FIELD: 28,
  METER: 29,
  EXPERIMENTER: 0xffff,
} as const

const NICIRA = 0x00002320
/** Nicira's subtypes (Open vSwitch, lib/ofp-actions.c). */
export const NX = {
  RESUBMIT: 1,
  RESUBMIT_TABLE: 14,
  OUTPUT_REG: 15,
  LEARN: 16,
  SAMPLE: 29,
  CONJUNCTION: 34,
  CT: 35,
  OUTPUT_TRUNC: 39,
  CLONE: 42,
} as const

/** Table 255 in resubmit and ct: none is named. */
const NO_TABLE = 0xff

/** A list of actions, each padded. Throws OPENFLOW_VALUE_INVALID; goto_table is none of them (see instructions.ts). */
export const writeActions = (w: Writer, actions: readonly Action[]): void => {
  for (const action of actions) writeAction(w, action)
}

const writeAction = (w: Writer, action: Action): void => {
  const start = w.at
  switch (action.type) {
    case 'output':
      if (action.maxLen !== undefined && action.port !== PORT.CONTROLLER) {
        nicira(w, NX.OUTPUT_TRUNC)
        u16(w, action.port & 0xffff)
        u32(w, action.maxLen)
        break
      }
      head(w, TYPE.OUTPUT)
      u32(w, action.port)
      u16(w, action.maxLen ?? (action.port === PORT.CONTROLLER ? 0xffff : 0))
      break
    case 'set_field': {
      head(w, TYPE.SET_FIELD)
      const field = fieldNamed(action.field)
      if (field === undefined) throw new CrossportError('OPENFLOW_VALUE_INVALID', `${action.field} is not a field`)
      writeSetField(w, field, action.value)
      break
    }
    case 'move': {
      const src = bitsOf(action.src)
      const dst = bitsOf(action.dst)
      if (src.bits !== dst.bits)
        throw new CrossportError('OPENFLOW_VALUE_INVALID', `move of ${src.bits} bits to ${dst.bits} bits`)
      head(w, TYPE.COPY_FIELD)
      u16(w, src.bits)
      u16(w, src.offset)
      u16(w, dst.offset)
      zeros(w, 2)
      u32(w, oxmId(src))
      u32(w, oxmId(dst))
      break
    }
    case 'push_vlan':
      head(w, TYPE.PUSH_VLAN)
      u16(w, action.ethertype ?? 0x8100)
      break
    case 'pop_vlan':
      head(w, TYPE.POP_VLAN)
      break
    case 'dec_ttl':
      head(w, TYPE.DEC_TTL)
      break
    case 'group':
      head(w, TYPE.GROUP)
      u32(w, action.group)
      break
    case 'resubmit':
      if (action.port === undefined && action.table === undefined)
        throw new CrossportError('OPENFLOW_VALUE_INVALID', 'resubmit names neither a port nor a table')
      nicira(w, NX.RESUBMIT_TABLE)
      u16(w, (action.port ?? PORT.IN_PORT) & 0xffff)
      u8(w, action.table ?? NO_TABLE)
      break
    case 'output_field': {
      const src = bitsOf(action.src)
      nicira(w, NX.OUTPUT_REG)
      u16(w, (src.offset << 6) | (src.bits - 1))
      u32(w, nxmId(src))
      u16(w, action.maxLen ?? 0xffff)
      zeros(w, 6)
      break
    }
    case 'ct':
      nicira(w, NX.CT)
      u16(w, action.commit === true ? 1 : 0)
      u32(w, 0)
      u16(w, action.zone)
      u8(w, action.table ?? NO_TABLE)
      zeros(w, 5)
      if (action.exec !== undefined) writeActions(w, action.exec)
      break
    case 'learn':
      nicira(w, NX.LEARN)
      writeLearn(w, action)
      break
    case 'clone':
      nicira(w, NX.CLONE)
      zeros(w, 6)
      writeActions(w, action.actions)
      break
    case 'meter':
      head(w, TYPE.METER)
      u32(w, action.meter)
      break
    case 'conjunction':
      nicira(w, NX.CONJUNCTION)
      u8(w, action.clause - 1)
      u8(w, action.of)
      u32(w, action.id)
      break
    case 'sample':
      nicira(w, NX.SAMPLE)
      u16(w, action.probability)
      u32(w, action.collectorSet)
      u32(w, action.domain)
      u32(w, action.point)
      break
    case 'unknown':
      raw(w, Buffer.from(action.hex, 'hex'))
      return
    case 'goto_table':
      throw new CrossportError(
        'OPENFLOW_VALUE_INVALID',
        'goto_table is an instruction: the last of a flow, not in a list',
      )
  }
  pad8(w, start)
  setLength(w, start + 2, w.at - start)
}

/** in_port is set in Nicira's form, of 16 bits: Open vSwitch has no other that can be written. */
const writeSetField = (w: Writer, field: Field, value: FieldValue): void => {
  const parsed = parseValue(field, value)
  if (field.name === 'in_port') {
    u32(w, NXM_IN_PORT)
    u16(w, Number(parsed.value) & 0xffff)
  } else writeOxm(w, field, parsed.value, parsed.mask)
}

const head = (w: Writer, type: number): void => {
  u16(w, type)
  u16(w, 0)
}

const nicira = (w: Writer, subtype: number): void => {
  head(w, TYPE.EXPERIMENTER)
  u32(w, NICIRA)
  u16(w, subtype)
}

/**
 * Reads the actions between two places. Never fails: what crossport does not know, or knows in another shape, becomes
 * an `unknown` action, and so does the rest of a list whose lengths do not fit.
 */
export const readActions = (bytes: Buffer, at: number, end: number): Action[] => {
  const actions: Action[] = []
  for (let p = at; p < end; ) {
    const length = p + 8 <= end ? bytes.readUInt16BE(p + 2) : 0
    const fits = length >= 8 && length % 8 === 0 && p + length <= end
    const next = fits ? p + length : end
    actions.push((fits ? readAction(bytes, p, next) : undefined) ?? unknown(bytes, p, next))
    p = next
  }
  return actions
}

const unknown = (bytes: Buffer, at: number, end: number): Action => ({
  type: 'unknown',
  of: 'action',
  hex: bytes.toString('hex', at, end),
})

const readAction = (bytes: Buffer, at: number, end: number): Action | undefined => {
  const length = end - at
  switch (bytes.readUInt16BE(at)) {
    case TYPE.OUTPUT: {
      if (length !== 16) return undefined
      const port = bytes.readUInt32BE(at + 4)
      const maxLen = bytes.readUInt16BE(at + 8)
      return port === PORT.CONTROLLER ? { type: 'output', port, maxLen } : { type: 'output', port }
    }
    case TYPE.SET_FIELD:
      return readSetField(bytes, at, end)
    case TYPE.COPY_FIELD: {
      if (length !== 24) return undefined
      const bits = bytes.readUInt16BE(at + 4)
      const src = subfieldOf(bytes.readUInt32BE(at + 12), bytes.readUInt16BE(at + 6), bits)
      const dst = subfieldOf(bytes.readUInt32BE(at + 16), bytes.readUInt16BE(at + 8), bits)
      return src && dst && { type: 'move', src, dst }
    }
    case TYPE.PUSH_VLAN:
      return length === 8 ? { type: 'push_vlan', ethertype: bytes.readUInt16BE(at + 4) } : undefined
    case TYPE.POP_VLAN:
      return length === 8 ? { type: 'pop_vlan' } : undefined
    case TYPE.DEC_TTL:
      return length === 8 ? { type: 'dec_ttl' } : undefined
    case TYPE.GROUP:
      return length === 8 ? { type: 'group', group: bytes.readUInt32BE(at + 4) } : undefined
    case TYPE.METER:
      return length === 8 ? { type: 'meter', meter: bytes.readUInt32BE(at + 4) } : undefined
    case TYPE.EXPERIMENTER:
      return length >= 16 && bytes.readUInt32BE(at + 4) === NICIRA ? readNicira(bytes, at, end) : undefined
    default:
      return undefined
  }
}

const readSetField = (bytes: Buffer, at: number, end: number): Action | undefined => {
  if (end - at === 16 && bytes.readUInt32BE(at + 4) === NXM_IN_PORT)
    return { type: 'set_field', field: 'in_port', value: port16(bytes, at + 8) }
  const size = oxmSize(bytes, at + 4, end)
  const oxm = size === undefined ? undefined : readOxm(bytes, at + 4, size)
  if (oxm === undefined || at + Math.ceil((4 + size!) / 8) * 8 !== end) return undefined
  return { type: 'set_field', field: oxm.field.name, value: toFieldValue(oxm.field, oxm) }
}

const readNicira = (bytes: Buffer, at: number, end: number): Action | undefined => {
  const length = end - at
  switch (bytes.readUInt16BE(at + 8)) {
    case NX.RESUBMIT:
      return length === 16 ? { type: 'resubmit', port: port16(bytes, at + 10) } : undefined
    case NX.RESUBMIT_TABLE: {
      if (length !== 16) return undefined
      const port = port16(bytes, at + 10)
      const table = bytes[at + 12]!
      return {
        type: 'resubmit',
        ...(port === PORT.IN_PORT ? {} : { port }),
        ...(table === NO_TABLE ? {} : { table }),
      }
    }
    case NX.OUTPUT_REG: {
      if (length !== 24) return undefined
      const bits = bytes.readUInt16BE(at + 10)
      const src = subfieldOf(bytes.readUInt32BE(at + 12), bits >> 6, (bits & 63) + 1)
      const maxLen = bytes.readUInt16BE(at + 16)
      return src && { type: 'output_field', src, ...(maxLen === 0xffff ? {} : { maxLen }) }
    }
    case NX.LEARN:
      return length >= 32 ? readLearn(bytes, at, end) : undefined
    case NX.CONJUNCTION:
      if (length !== 16) return undefined
      return {
        type: 'conjunction',
        id: bytes.readUInt32BE(at + 12),
        clause: bytes[at + 10]! + 1,
        of: bytes[at + 11]!,
      }
    case NX.SAMPLE:
      if (length !== 24) return undefined
      return {
        type: 'sample',
        probability: bytes.readUInt16BE(at + 10),
        collectorSet: bytes.readUInt32BE(at + 12),
        domain: bytes.readUInt32BE(at + 16),
        point: bytes.readUInt32BE(at + 20),
      }
    case NX.OUTPUT_TRUNC:
      if (length !== 16) return undefined
      return { type: 'output', port: port16(bytes, at + 10), maxLen: bytes.readUInt32BE(at + 12) }
    case NX.CLONE:
      return { type: 'clone', actions: readActions(bytes, at + 16, end) }
    case NX.CT:
      return length >= 24 ? readCt(bytes, at, end) : undefined
    default:
      return undefined
  }
}

/** Ports of OpenFlow 1.0 in Nicira's actions: 0xff00 and up are the reserved ones. */
const port16 = (bytes: Buffer, at: number): number => {
  const port = bytes.readUInt16BE(at)
  return port >= 0xff00 ? port + 0xffff0000 : port
}

const readCt = (bytes: Buffer, at: number, end: number): Action | undefined => {
  const flags = bytes.readUInt16BE(at + 10)
  const algorithm = bytes.readUInt16BE(at + 22)
  if (flags > 1 || bytes.readUInt32BE(at + 12) !== 0 || algorithm !== 0) return undefined
  const table = bytes[at + 18]!
  const exec = readActions(bytes, at + 24, end)
  return {
    type: 'ct',
    ...(flags === 1 ? { commit: true } : {}),
    zone: bytes.readUInt16BE(at + 16),
    ...(table === NO_TABLE ? {} : { table }),
    ...(exec.length === 0 ? {} : { exec }),
  }
}
