import type { Action } from '../../../shared/openflow/types.ts'
import { MARK } from '../tables.ts'

/** Sets the mark of the packet's connection in `zone`. Without `table` the packet does not change its table. */
export function commitMark(zone: number, table?: number): Action {
  return {
    type: 'ct',
    commit: true,
    zone,
    ...(table === undefined ? {} : { table }),
    exec: [{ type: 'move', src: { field: MARK }, dst: { field: 'ct_mark' } }],
  }
}

export const hex = (value: number): string => `0x${value.toString(16)}`
