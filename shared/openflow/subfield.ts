import { CrossportError } from '../errors.ts'
import { type Field, fieldNamed, fieldOfHeader, nxmHeader } from './fields.ts'
import type { Subfield } from './types.ts'

/** A part of a field as move, learn and output_field carry it: OXM or NXM header, first bit, number of bits. */
export interface Bits {
  readonly field: Field
  readonly offset: number
  readonly bits: number
}

/** in_port as a source or destination of data is Nicira's field of 16 bits (ovs-fields(7), in_port). */
export const NXM_IN_PORT = 0x00000002
const widthOf = (field: Field): number => (field.name === 'in_port' ? 16 : field.bits)

/** Throws OPENFLOW_VALUE_INVALID when the part is not inside the field. */
export const bitsOf = (subfield: Subfield): Bits => {
  const field = fieldNamed(subfield.field)
  const offset = subfield.offset ?? 0
  const width = field === undefined ? 0 : widthOf(field)
  const bits = subfield.bits ?? width - offset
  const whole = Number.isInteger(offset) && Number.isInteger(bits)
  if (field === undefined || !whole || offset < 0 || bits < 1 || offset + bits > width)
    throw new CrossportError(
      'OPENFLOW_VALUE_INVALID',
      `${subfield.field}[${offset}..${offset + bits - 1}] does not exist`,
    )
  return { field, offset, bits }
}

/** The shortest form: a whole field has no offset and no bits. Undefined when the part is not inside the field. */
export const subfieldOf = (header: number, offset: number, bits: number): Subfield | undefined => {
  const field = header === NXM_IN_PORT ? fieldNamed('in_port') : fieldOfHeader(header)
  if (field === undefined || bits === 0 || offset + bits > widthOf(field)) return undefined
  return bits === widthOf(field) ? { field: field.name } : { field: field.name, offset, bits }
}

/** Header in `move`, an action of OpenFlow's own. */
export const oxmId = ({ field }: Bits): number => (field.name === 'in_port' ? NXM_IN_PORT : field.header + field.bytes)

/** Header in Nicira's own actions. */
export const nxmId = ({ field }: Bits): number => (field.name === 'in_port' ? NXM_IN_PORT : nxmHeader(field))

/** `NXM_NX_REG0[]`, `NXM_NX_REG0[5]`, `NXM_NX_REG0[0..15]`. Throws OPENFLOW_VALUE_INVALID. */
export const subfieldText = (subfield: Subfield): string => {
  const { field, offset, bits } = bitsOf(subfield)
  if (bits === widthOf(field)) return `${field.nxm}[]`
  return bits === 1 ? `${field.nxm}[${offset}]` : `${field.nxm}[${offset}..${offset + bits - 1}]`
}
