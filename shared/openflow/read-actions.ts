import { CrossportError } from '../errors.ts'
import { NICIRA, NO_TABLE, NX, TYPE, writeAction } from './actions.ts'
import { readLearn } from './learn.ts'
import { fromPort16 } from './numbers.ts'
import { oxmSize, readOxm } from './oxm.ts'
import { NXM_IN_PORT, subfieldOf } from './subfield.ts'
import { type Action, PORT } from './types.ts'
import { toFieldValue } from './value.ts'
import { createWriter } from './writer.ts'

/** Actions nested deeper than this are kept as bytes, which bounds the recursion. */
const DEPTH = 8

/**
 * Reads the actions between two places. Never fails: an action that crossport does not know, or would write differently, becomes
 * an `unknown` action, and so does the rest of a list whose lengths do not fit. So two flows with different bytes have different
 * texts, too.
 */
export const readActions = (bytes: Buffer, at: number, end: number, depth = 0): Action[] => {
  const actions: Action[] = []
  for (let p = at; p < end; ) {
    const length = p + 8 <= end ? bytes.readUInt16BE(p + 2) : 0
    const fits = length >= 8 && length % 8 === 0 && p + length <= end
    const next = fits ? p + length : end
    const action = fits && depth < DEPTH ? readAction(bytes, p, next, depth) : undefined
    actions.push(action !== undefined && isWrittenSo(action, bytes, p, next) ? action : unknown(bytes, p, next))
    p = next
  }
  return actions
}

const unknown = (bytes: Buffer, at: number, end: number): Action => ({
  type: 'unknown',
  of: 'action',
  hex: bytes.toString('hex', at, end),
})

/** Buffer in which decoded actions are encoded again for comparison. */
const scratch = createWriter()

const isWrittenSo = (action: Action, bytes: Buffer, at: number, end: number): boolean => {
  scratch.at = 0
  try {
    writeAction(scratch, action)
  } catch (error) {
    if (error instanceof CrossportError) return false
    throw error
  }
  return scratch.at === end - at && scratch.bytes.compare(bytes, at, end, 0, scratch.at) === 0
}

const readAction = (bytes: Buffer, at: number, end: number, depth: number): Action | undefined => {
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
      return length >= 16 && bytes.readUInt32BE(at + 4) === NICIRA ? readNicira(bytes, at, end, depth) : undefined
    default:
      return undefined
  }
}

const readSetField = (bytes: Buffer, at: number, end: number): Action | undefined => {
  if (end - at === 16 && bytes.readUInt32BE(at + 4) === NXM_IN_PORT)
    return { type: 'set_field', field: 'in_port', value: fromPort16(bytes.readUInt16BE(at + 8)) }
  const size = oxmSize(bytes, at + 4, end)
  const oxm = size === undefined ? undefined : readOxm(bytes, at + 4, size)
  if (oxm === undefined || at + Math.ceil((4 + size!) / 8) * 8 !== end) return undefined
  return { type: 'set_field', field: oxm.field.name, value: toFieldValue(oxm.field, oxm) }
}

const readNicira = (bytes: Buffer, at: number, end: number, depth: number): Action | undefined => {
  const length = end - at
  switch (bytes.readUInt16BE(at + 8)) {
    case NX.RESUBMIT_TABLE: {
      if (length !== 16) return undefined
      const port = fromPort16(bytes.readUInt16BE(at + 10))
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
      return { type: 'output', port: fromPort16(bytes.readUInt16BE(at + 10)), maxLen: bytes.readUInt32BE(at + 12) }
    case NX.CLONE:
      return { type: 'clone', actions: readActions(bytes, at + 16, end, depth + 1) }
    case NX.CT:
      return length >= 24 ? readCt(bytes, at, end, depth) : undefined
    default:
      return undefined
  }
}

const readCt = (bytes: Buffer, at: number, end: number, depth: number): Action | undefined => {
  const flags = bytes.readUInt16BE(at + 10)
  const algorithm = bytes.readUInt16BE(at + 22)
  if (flags > 1 || bytes.readUInt32BE(at + 12) !== 0 || algorithm !== 0) return undefined
  const table = bytes[at + 18]!
  const exec = readActions(bytes, at + 24, end, depth + 1)
  return {
    type: 'ct',
    ...(flags === 1 ? { commit: true } : {}),
    zone: bytes.readUInt16BE(at + 16),
    ...(table === NO_TABLE ? {} : { table }),
    ...(exec.length === 0 ? {} : { exec }),
  }
}
