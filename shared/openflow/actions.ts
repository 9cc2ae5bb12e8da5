import { CrossportError } from '../errors.ts'
import { type Field, fieldNamed } from './fields.ts'
import { writeLearn } from './learn.ts'
import { tableOf, toPort16 } from './numbers.ts'
import { writeOxm } from './oxm.ts'
import { bitsOf, NXM_IN_PORT, nxmId, oxmId } from './subfield.ts'
import { type Action, type FieldValue, PORT } from './types.ts'
import { parseValue } from './value.ts'
import { pad8, raw, setLength, u8, u16, u32, type Writer, within, zeros } from './writer.ts'

/** Actions (OpenFlow 1.5.1, 7.2.6; Nicira's, as ovs-actions(7) lists them): type 16, length 16, body; multiples of 8. */

export const TYPE = {
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

export const NICIRA = 0x00002320
/** Nicira's subtypes (Open vSwitch, lib/ofp-actions.c). */
export const NX = {
  RESUBMIT_TABLE: 14,
  OUTPUT_REG: 15,
  LEARN: 16,
  SAMPLE: 29,
  CONJUNCTION: 34,
  CT: 35,
  OUTPUT_TRUNC: 39,
  CLONE: 42,
} as const

/** Table 255 in resubmit and ct: no table is named. */
export const NO_TABLE = 0xff
/** Number of clauses of a conjunction (ovs-actions(7), "conjunction"). */
const CLAUSES = { least: 2, most: 64 } as const
/** Most bits of an `output:FIELD` (struct nx_action_output_reg: 6 bits hold the number less one). */
const OUTPUT_BITS = 64

/** Writes a list of actions, each padded. Throws OPENFLOW_VALUE_INVALID; goto_table is not an action (see instructions.ts). */
export const writeActions = (w: Writer, actions: readonly Action[]): void => {
  for (const action of actions) writeAction(w, action)
}

export const writeAction = (w: Writer, action: Action): void => {
  const start = w.at
  switch (action.type) {
    case 'output':
      if (action.maxLen !== undefined && action.port !== PORT.CONTROLLER) {
        nicira(w, NX.OUTPUT_TRUNC)
        u16(w, toPort16(action.port, 'output port'))
        u32(w, action.maxLen, 'output max_len')
        break
      }
      head(w, TYPE.OUTPUT)
      u32(w, action.port, 'output port')
      u16(w, action.maxLen ?? (action.port === PORT.CONTROLLER ? 0xffff : 0), 'output max_len')
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
      u16(w, action.ethertype ?? 0x8100, 'push_vlan ethertype')
      break
    case 'pop_vlan':
      head(w, TYPE.POP_VLAN)
      break
    case 'dec_ttl':
      head(w, TYPE.DEC_TTL)
      break
    case 'group':
      head(w, TYPE.GROUP)
      u32(w, action.group, 'group')
      break
    case 'resubmit':
      if (action.port === undefined && action.table === undefined)
        throw new CrossportError('OPENFLOW_VALUE_INVALID', 'resubmit names neither a port nor a table')
      nicira(w, NX.RESUBMIT_TABLE)
      u16(w, toPort16(action.port ?? PORT.IN_PORT, 'resubmit port'))
      u8(w, action.table === undefined ? NO_TABLE : tableOf(action.table, 'resubmit table'))
      break
    case 'output_field': {
      const src = bitsOf(action.src)
      within(src.bits, 1, OUTPUT_BITS, 'output bits')
      nicira(w, NX.OUTPUT_REG)
      u16(w, (src.offset << 6) | (src.bits - 1))
      u32(w, nxmId(src))
      u16(w, action.maxLen ?? 0xffff, 'output max_len')
      zeros(w, 6)
      break
    }
    case 'ct':
      nicira(w, NX.CT)
      u16(w, action.commit === true ? 1 : 0)
      u32(w, 0)
      u16(w, action.zone, 'ct zone')
      u8(w, action.table === undefined ? NO_TABLE : tableOf(action.table, 'ct table'))
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
      u32(w, action.meter, 'meter')
      break
    case 'conjunction':
      nicira(w, NX.CONJUNCTION)
      within(action.of, CLAUSES.least, CLAUSES.most, 'conjunction clauses')
      u8(w, within(action.clause, 1, action.of, 'conjunction clause') - 1)
      u8(w, action.of)
      u32(w, action.id, 'conjunction id')
      break
    case 'sample':
      nicira(w, NX.SAMPLE)
      u16(w, within(action.probability, 1, 0xffff, 'sample probability'))
      u32(w, action.collectorSet, 'sample collector_set_id')
      u32(w, action.domain, 'sample obs_domain_id')
      u32(w, action.point, 'sample obs_point_id')
      break
    case 'unknown':
      writeUnknown(w, action.hex)
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

/** in_port is written in Nicira's form of 16 bits, the only one that Open vSwitch can set. */
const writeSetField = (w: Writer, field: Field, value: FieldValue): void => {
  const parsed = parseValue(field, value)
  if (field.name === 'in_port') {
    u32(w, NXM_IN_PORT)
    u16(w, toPort16(Number(parsed.value), 'in_port'))
  } else writeOxm(w, field, parsed.value, parsed.mask)
}

/** Writes another program's action or instruction as it was read. Throws OPENFLOW_VALUE_INVALID. */
export const writeUnknown = (w: Writer, hex: string): void => {
  const bytes = Buffer.from(hex, 'hex')
  if (bytes.length * 2 !== hex.length)
    throw new CrossportError('OPENFLOW_VALUE_INVALID', `an unknown action that is no bytes: ${hex}`)
  raw(w, bytes)
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
