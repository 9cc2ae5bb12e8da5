import { type FlowCommand, type FlowOptions, writeFlowMod } from './flow.ts'
import type { Flow, Group } from './flow-types.ts'
import { type GroupCommand, writeGroupMod } from './group.ts'
import { begin, encode, finish, TYPE } from './header.ts'
import { malformed } from './oxm.ts'
import { createWriter, raw, u16, u32, type Writer, written, zeros } from './writer.ts'

/** Bundles (OpenFlow 1.5.1, 7.3.9): always atomic and ordered. */
const ATOMIC_AND_ORDERED = 3

/** ofp_bundle_ctrl_type; the switch answers each with the number after it. */
export const BUNDLE_CONTROL = { open: 0, close: 2, commit: 4, discard: 6 } as const
export type BundleControl = keyof typeof BUNDLE_CONTROL

export const encodeBundleControl = (xid: number, bundle: number, control: BundleControl): Buffer =>
  encode(TYPE.BUNDLE_CONTROL, xid, w => {
    u32(w, bundle, 'bundle')
    u16(w, BUNDLE_CONTROL[control])
    u16(w, ATOMIC_AND_ORDERED)
  })

/** BUNDLE_CONTROL reply: the control that it answers; undefined for a number that is not a reply. Throws OPENFLOW_MALFORMED. */
export const decodeBundleControl = (bytes: Buffer): { bundle: number; answers: BundleControl | undefined } => {
  if (bytes.length < 16) throw malformed('a BUNDLE_CONTROL cut off', bytes, 0)
  const number = bytes.readUInt16BE(12) - 1
  const names = Object.keys(BUNDLE_CONTROL) as BundleControl[]
  return { bundle: bytes.readUInt32BE(8), answers: names.find(name => BUNDLE_CONTROL[name] === number) }
}

const beginAdd = (w: Writer, xid: number, bundle: number): number => {
  const start = begin(w, TYPE.BUNDLE_ADD_MESSAGE, xid)
  u32(w, bundle, 'bundle')
  zeros(w, 2)
  u16(w, ATOMIC_AND_ORDERED)
  return start
}

/** BUNDLE_ADD_MESSAGE with a FLOW_MOD, which must carry the same xid. Throws OPENFLOW_VALUE_INVALID. */
export const writeBundleFlow = (
  w: Writer,
  xid: number,
  bundle: number,
  command: FlowCommand,
  flow: Flow,
  options?: FlowOptions,
): void => {
  const start = beginAdd(w, xid, bundle)
  writeFlowMod(w, xid, command, flow, options)
  finish(w, start)
}

/** BUNDLE_ADD_MESSAGE with a GROUP_MOD. Throws OPENFLOW_VALUE_INVALID. */
export const writeBundleGroup = (w: Writer, xid: number, bundle: number, command: GroupCommand, group: Group): void => {
  const start = beginAdd(w, xid, bundle)
  writeGroupMod(w, xid, command, group)
  finish(w, start)
}

/** BUNDLE_ADD_MESSAGE with a whole message, whose xid must be `xid`. Throws OPENFLOW_VALUE_INVALID. */
export const encodeBundleAdd = (xid: number, bundle: number, message: Uint8Array): Buffer => {
  const w = createWriter(16 + message.length)
  const start = beginAdd(w, xid, bundle)
  raw(w, message)
  finish(w, start)
  return written(w)
}
