import { CrossportError } from '../errors.ts'
import { FIELD_LIST, type Field, type FieldName, fieldNamed } from './fields.ts'
import type { FieldValue, Match } from './types.ts'
import { type Parsed, parseValue, toFieldValue } from './value.ts'

/** One field of a match, in numbers. */
export interface Entry extends Parsed {
  readonly field: Field
}

const VLAN_VID = fieldNamed('vlan_vid')!
const VLAN_PCP = fieldNamed('vlan_pcp')!
const VLAN_TCI = fieldNamed('vlan_tci')!
const XREG0 = fieldNamed('xreg0')!
const REG0 = fieldNamed('reg0')!
/** The bit of vlan_vid that marks a tag as present (OFPVID_PRESENT). */
const PRESENT = 0x1000

/**
 * The fields of a match in wire order and in the form in which Open vSwitch returns them: without fields that match everything,
 * with vlan_tci as vlan_vid and vlan_pcp, and with xreg(n) as reg(2n) and reg(2n+1). Throws OPENFLOW_VALUE_INVALID.
 */
export const matchEntries = (match: Match): Entry[] => {
  const entries: Entry[] = []
  let rewrite = false
  for (const name in match) {
    const value = match[name as FieldName]
    if (value === undefined) continue
    const field = fieldNamed(name)
    if (field === undefined) throw new CrossportError('OPENFLOW_VALUE_INVALID', `${name} is not a field`)
    const parsed = parseValue(field, value)
    if (parsed.mask === 0 || parsed.mask === 0n) continue
    if (field === VLAN_TCI) checkTci(value, parsed)
    if (field === VLAN_TCI || field === VLAN_PCP || isXreg(field)) rewrite = true
    insert(entries, { field, value: parsed.value, mask: parsed.mask })
  }
  return rewrite ? normalize(entries) : entries
}

/** vlan_pcp can match all bits of the priority or none, and only where there is a tag. */
const checkTci = (shown: FieldValue, { value, mask = 0xffff }: Parsed): void => {
  const priority = Number(mask) >>> 13
  const tag = (Number(value) & Number(mask) & 0x1fff) !== 0
  const noTag = Number(value) === 0 && (Number(mask) & PRESENT) !== 0
  if (priority === 0 || (priority === 7 && (tag || noTag))) return
  throw new CrossportError('OPENFLOW_VALUE_INVALID', `vlan_tci=${shown}: OpenFlow 1.5 has no such match`)
}

const isXreg = (field: Field): boolean => field.index >= XREG0.index && field.index < XREG0.index + 8

/** Insertion sort: a match has a few fields, nearly in order. */
const insert = (entries: Entry[], entry: Entry): void => {
  let at = entries.length
  while (at > 0 && entries[at - 1]!.field.index > entry.field.index) at--
  if (at === entries.length) entries.push(entry)
  else entries.splice(at, 0, entry)
}

const normalize = (entries: readonly Entry[]): Entry[] => {
  const out: Entry[] = []
  const vlan = { value: 0, mask: 0 }
  for (const entry of entries) {
    if (entry.field === VLAN_VID || entry.field === VLAN_PCP || entry.field === VLAN_TCI) addVlan(vlan, entry)
    else if (isXreg(entry.field)) for (const half of halves(entry)) insert(out, half)
    else insert(out, entry)
  }
  for (const entry of vlanEntries(vlan)) insert(out, entry)
  return out
}

/** Merges a field of the tag into one 16-bit TCI. */
export const addVlan = (tci: { value: number; mask: number }, { field, value, mask }: Entry): void => {
  const shift = field === VLAN_PCP ? 13 : 0
  tci.value |= Number(value) << shift
  tci.mask |= Number(mask ?? field.full) << shift
  if (field !== VLAN_PCP) return
  tci.value |= PRESENT
  tci.mask |= PRESENT
}

const vlanEntries = (tci: { value: number; mask: number }): Entry[] => {
  const out: Entry[] = []
  const vid = tci.mask & 0x1fff
  if (vid !== 0) out.push({ field: VLAN_VID, value: tci.value & vid, mask: vid === 0x1fff ? undefined : vid })
  if (tci.mask >>> 13 !== 0 && (tci.value & tci.mask & 0x1fff) !== 0)
    out.push({ field: VLAN_PCP, value: (tci.value >>> 13) & 7, mask: undefined })
  return out
}

const halves = ({ field, value, mask }: Entry): Entry[] => {
  const n = 2 * (field.index - XREG0.index)
  const full = mask ?? field.full
  const half = (reg: number, shift: bigint): Entry[] => {
    const bits = Number((BigInt(full) >> shift) & 0xffffffffn)
    if (bits === 0) return []
    const halfValue = Number((BigInt(value) >> shift) & 0xffffffffn)
    return [{ field: FIELD_LIST[REG0.index + reg]!, value: halfValue, mask: bits === 0xffffffff ? undefined : bits }]
  }
  return [...half(n, 32n), ...half(n + 1, 0n)]
}

/** A match made of decoded entries, in the decoder's form. */
export const entriesToMatch = (entries: readonly Entry[]): Match => {
  const match: { [F in FieldName]?: FieldValue } = {}
  for (const entry of normalize(entries)) match[entry.field.name] = toFieldValue(entry.field, entry)
  return match
}
