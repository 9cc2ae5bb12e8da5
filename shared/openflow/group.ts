import { CrossportError } from '../errors.ts'
import { writeActions } from './actions.ts'
import { type Field, fieldNamed } from './fields.ts'
import type { Bucket, Group } from './flow-types.ts'
import {
  begin,
  eachEntry,
  encodeMultipartRequest,
  expectMultipart,
  finish,
  MULTIPART,
  MULTIPART_HEADER,
  TYPE,
} from './header.ts'
import { malformed, oxmSize, readOxm, writeOxm } from './oxm.ts'
import { readActions } from './read-actions.ts'
import { createWriter, pad8, raw, setLength, u8, u16, u32, type Writer, written, zeros } from './writer.ts'

/** ofp_group_mod_command (OpenFlow 1.5.1, 7.3.4.3). */
export const GROUP_COMMAND = { add: 0, modify: 1, delete: 2 } as const
export type GroupCommand = keyof typeof GROUP_COMMAND

const GROUP_TYPES = ['all', 'select', 'indirect', 'fast_failover'] as const
const ALL_BUCKETS = 0xffffffff
/** All groups, in a delete. */
export const GROUP_ALL = 0xfffffffc

/** Netronome's selection method property (Open vSwitch, include/openflow/netronome-ext.h). */
const EXPERIMENTER = 0xffff
const NTR_VENDOR = 0x0000154d
const NTR_SELECTION_METHOD = 1
const METHOD_BYTES = 16

const BUCKET_WEIGHT = 0

/** One whole GROUP_MOD message. Throws OPENFLOW_VALUE_INVALID, also when the group is longer than one message. */
export const writeGroupMod = (w: Writer, xid: number, command: GroupCommand, group: Group): void => {
  const start = begin(w, TYPE.GROUP_MOD, xid)
  u16(w, GROUP_COMMAND[command])
  u8(w, typeOf(group.type))
  u8(w, 0)
  u32(w, group.id, 'group')
  const lengthAt = w.at
  zeros(w, 4)
  u32(w, ALL_BUCKETS)
  const buckets = w.at
  if (command !== 'delete') {
    for (const bucket of group.buckets) writeBucket(w, bucket, group.type === 'select')
    setLength(w, lengthAt, w.at - buckets)
    const { selectionMethod, hashFields = [] } = group
    if (selectionMethod !== undefined) writeSelectionMethod(w, selectionMethod, hashFields)
    else if (hashFields.length > 0)
      throw new CrossportError('OPENFLOW_VALUE_INVALID', `group ${group.id}: fields without a selection_method`)
  }
  finish(w, start)
}

export const encodeGroupMod = (xid: number, command: GroupCommand, group: Group): Buffer => {
  const w = createWriter()
  writeGroupMod(w, xid, command, group)
  return written(w)
}

/** A GROUP_MOD that deletes one group, or with GROUP_ALL all groups. Flows that use a deleted group are deleted too. */
export const encodeGroupDelete = (xid: number, id: number): Buffer =>
  encodeGroupMod(xid, 'delete', { id, type: 'all', buckets: [] })

const typeOf = (type: Group['type']): number => {
  const number = GROUP_TYPES.indexOf(type)
  if (number < 0) throw new CrossportError('OPENFLOW_VALUE_INVALID', `group type ${type} is not known`)
  return number
}

const writeBucket = (w: Writer, bucket: Bucket, weighted: boolean): void => {
  const start = w.at
  zeros(w, 4)
  u32(w, bucket.id, 'bucket')
  writeActions(w, bucket.actions)
  setLength(w, start + 2, w.at - start - 8)
  if (weighted) {
    u16(w, BUCKET_WEIGHT)
    u16(w, 8)
    u16(w, bucket.weight, 'bucket weight')
    zeros(w, 2)
  }
  setLength(w, start, w.at - start)
}

const writeSelectionMethod = (w: Writer, method: string, hashFields: readonly string[]): void => {
  const start = w.at
  u16(w, EXPERIMENTER)
  u16(w, 0)
  u32(w, NTR_VENDOR)
  u32(w, NTR_SELECTION_METHOD)
  zeros(w, 4)
  const name = Buffer.alloc(METHOD_BYTES)
  if (method.length >= METHOD_BYTES)
    throw new CrossportError('OPENFLOW_VALUE_INVALID', `selection_method ${method}: at most 15 characters`)
  name.write(method, 'latin1')
  raw(w, name)
  zeros(w, 8)
  for (const field of sortedHashFields(hashFields)) writeOxm(w, field, field.full, undefined)
  setLength(w, start + 2, w.at - start)
  pad8(w, start)
}

/** The fields in the order of the table. Throws OPENFLOW_VALUE_INVALID for an unknown name. */
export const sortedHashFields = (names: readonly string[]): Field[] => {
  const fields = names.map(name => {
    const field = fieldNamed(name)
    if (field === undefined) throw new CrossportError('OPENFLOW_VALUE_INVALID', `${name} is not a field`)
    return field
  })
  return fields.sort((a, b) => a.index - b.index)
}

/** OFPMP_GROUP_DESC of all groups. */
export const encodeGroupDescRequest = (xid: number): Buffer =>
  encodeMultipartRequest(xid, MULTIPART.GROUP_DESC, w => {
    u32(w, GROUP_ALL)
    zeros(w, 4)
  })

/** A group as the switch describes it; crossport may never make such a group. */
export interface GroupDesc extends Omit<Group, 'type' | 'selectionMethod'> {
  readonly type: Group['type'] | 'fast_failover' | 'unknown'
  readonly selectionMethod?: string
  /** True when the group has contents that are not shown here (watched ports, other properties). */
  readonly partial: boolean
}

/** Groups of one OFPMP_GROUP_DESC reply. Throws OPENFLOW_MALFORMED when lengths do not fit. */
export const decodeGroupDesc = (bytes: Buffer): GroupDesc[] => {
  expectMultipart(bytes, MULTIPART.GROUP_DESC)
  const groups: GroupDesc[] = []
  eachEntry(bytes, MULTIPART_HEADER, 16, (at, end) => {
    const bucketsEnd = at + 16 + bytes.readUInt16BE(at + 8)
    if (bucketsEnd > end) throw malformed('buckets longer than their group', bytes, at)
    groups.push(readGroup(bytes, GROUP_TYPES[bytes[at + 2]!], bytes.readUInt32BE(at + 4), at + 16, bucketsEnd, end))
  })
  return groups
}

/** A GROUP_MOD message, for tests and for what ovs-ofctl sends. Throws OPENFLOW_MALFORMED. */
export const decodeGroupMod = (bytes: Buffer): { command: number; group: GroupDesc } => {
  const bucketsEnd = 24 + (bytes.length < 24 ? 0 : bytes.readUInt16BE(16))
  if (bucketsEnd > bytes.length) throw malformed('buckets longer than their group', bytes, 16)
  const type = GROUP_TYPES[bytes[10]!]
  return {
    command: bytes.readUInt16BE(8),
    group: readGroup(bytes, type, bytes.readUInt32BE(12), 24, bucketsEnd, bytes.length),
  }
}

const readGroup = (
  bytes: Buffer,
  type: GroupDesc['type'] | undefined,
  id: number,
  at: number,
  bucketsEnd: number,
  end: number,
): GroupDesc => {
  const buckets: Bucket[] = []
  let partial = type === undefined
  const readOne = (from: number, to: number): void => {
    const read = readBucket(bytes, from, to)
    buckets.push(read.bucket)
    partial ||= read.partial
  }
  eachEntry(bytes, at, 8, readOne, bucketsEnd)
  const selection = readProperties(bytes, bucketsEnd, end)
  const { selectionMethod, hashFields } = selection
  return {
    id,
    type: type ?? 'unknown',
    ...(selectionMethod === undefined ? {} : { selectionMethod }),
    ...(hashFields === undefined || hashFields.length === 0 ? {} : { hashFields }),
    buckets,
    partial: partial || selection.partial,
  }
}

const readBucket = (bytes: Buffer, at: number, end: number): { bucket: Bucket; partial: boolean } => {
  const actionsEnd = at + 8 + bytes.readUInt16BE(at + 2)
  if (actionsEnd > end) throw malformed('actions longer than their bucket', bytes, at)
  let weight = 0
  let partial = false
  eachProperty(bytes, actionsEnd, end, (p, type, length) => {
    if (type === BUCKET_WEIGHT && length === 8) weight = bytes.readUInt16BE(p + 4)
    else partial = true
  })
  return {
    bucket: { id: bytes.readUInt32BE(at + 4), weight, actions: readActions(bytes, at + 8, actionsEnd) },
    partial,
  }
}

/** Properties: type 16, length 16 without padding, padded to 8 bytes. */
const eachProperty = (
  bytes: Buffer,
  from: number,
  end: number,
  read: (at: number, type: number, length: number) => void,
): void => {
  for (let at = from; at < end; ) {
    const length = at + 4 <= end ? bytes.readUInt16BE(at + 2) : 0
    if (length < 4 || at + length > end) throw malformed('a property of wrong length', bytes, at)
    read(at, bytes.readUInt16BE(at), length)
    at += Math.ceil(length / 8) * 8
  }
}

interface Selection {
  readonly selectionMethod?: string
  readonly hashFields?: readonly string[]
  readonly partial: boolean
}

const readProperties = (bytes: Buffer, from: number, end: number): Selection => {
  let selection: Selection = { partial: false }
  eachProperty(bytes, from, end, (at, type, length) => {
    const known =
      type === EXPERIMENTER &&
      length >= 40 &&
      bytes.readUInt32BE(at + 4) === NTR_VENDOR &&
      bytes.readUInt32BE(at + 8) === NTR_SELECTION_METHOD
    selection = known ? readSelection(bytes, at, at + length, selection.partial) : { ...selection, partial: true }
  })
  return selection
}

const readSelection = (bytes: Buffer, at: number, end: number, before: boolean): Selection => {
  const name = bytes.toString('latin1', at + 16, at + 16 + METHOD_BYTES).replace(/\0.*$/s, '')
  let partial = before || bytes.readBigUInt64BE(at + 32) !== 0n
  const hashFields: string[] = []
  for (let p = at + 40; p < end; ) {
    const size = oxmSize(bytes, p, end)
    if (size === undefined) throw malformed('a hash field longer than its property', bytes, p)
    const oxm = readOxm(bytes, p, size)
    // A value other than all ones means that the hash covers only a part of the field.
    if (oxm === undefined || oxm.mask !== undefined || oxm.value !== oxm.field.full) partial = true
    else hashFields.push(oxm.field.name)
    p += size
  }
  return { selectionMethod: name, hashFields, partial }
}
