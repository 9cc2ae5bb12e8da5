import { CrossportError } from '../errors.ts'
import { writeActions, writeUnknown } from './actions.ts'
import { tableOf } from './numbers.ts'
import { malformed } from './oxm.ts'
import { readActions } from './read-actions.ts'
import type { Action } from './types.ts'
import { setLength, u8, u16, type Writer, zeros } from './writer.ts'

/** Instructions (OpenFlow 1.5.1, 7.2.5): type 16, length 16, body. Actions are carried in one Apply-Actions. */
const GOTO_TABLE = 1
const APPLY_ACTIONS = 4

/** Writes instructions in the given order; consecutive actions form one Apply-Actions. Throws OPENFLOW_VALUE_INVALID. */
export const writeInstructions = (w: Writer, actions: readonly Action[]): void => {
  for (let i = 0; i < actions.length; ) {
    const action = actions[i]!
    if (isInstruction(action)) {
      if (action.type === 'goto_table' && i < actions.length - 1)
        throw new CrossportError('OPENFLOW_VALUE_INVALID', "goto_table must be the last of a flow's actions")
      writeInstruction(w, action)
      i++
    } else {
      let end = i + 1
      while (end < actions.length && !isInstruction(actions[end]!)) end++
      writeApplied(w, end - i === actions.length ? actions : actions.slice(i, end))
      i = end
    }
  }
}

const writeApplied = (w: Writer, actions: readonly Action[]): void => {
  const start = w.at
  u16(w, APPLY_ACTIONS)
  zeros(w, 6)
  writeActions(w, actions)
  setLength(w, start + 2, w.at - start)
}

const writeInstruction = (w: Writer, action: Action): void => {
  if (action.type === 'unknown') writeUnknown(w, action.hex)
  if (action.type !== 'goto_table') return
  u16(w, GOTO_TABLE)
  u16(w, 8)
  u8(w, tableOf(action.table, 'goto_table'))
  zeros(w, 3)
}

const isInstruction = (action: Action): boolean =>
  action.type === 'goto_table' || (action.type === 'unknown' && action.of === 'instruction')

/** Unknown instructions become `unknown` actions. Throws OPENFLOW_MALFORMED when a length does not fit. */
export const readInstructions = (bytes: Buffer, at: number, end: number): Action[] => {
  let actions: Action[] = []
  for (let p = at; p < end; ) {
    const length = p + 4 <= end ? bytes.readUInt16BE(p + 2) : 0
    if (length < 4 || length % 8 !== 0 || p + length > end) throw malformed('an instruction of wrong length', bytes, p)
    const type = bytes.readUInt16BE(p)
    if (type === APPLY_ACTIONS) {
      const list = readActions(bytes, p + 8, p + length)
      actions = actions.length === 0 ? list : [...actions, ...list]
    } else if (type === GOTO_TABLE && length === 8) actions.push({ type: 'goto_table', table: bytes[p + 4]! })
    else actions.push({ type: 'unknown', of: 'instruction', hex: bytes.toString('hex', p, p + length) })
    p += length
  }
  return actions
}
