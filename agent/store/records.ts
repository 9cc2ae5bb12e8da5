import type { Cell } from '../../shared/run/cell.ts'
import type { GuestRecord, GuestRecords } from './types.ts'

/**
 * The records of what guests were given, whose every change is told: a pass that is under way may be about to take away the
 * shield of a VIP that a guest gets just now, and one that a guest has given back needs none any more.
 */
export function toldRecords(kept: GuestRecords, cell: Cell<readonly GuestRecord[]>): GuestRecords {
  return {
    list: cell.get,
    put: record => {
      kept.put(record)
      cell.set(kept.list())
    },
    remove: (vmUuid, mac, vip) => {
      kept.remove(vmUuid, mac, vip)
      cell.set(kept.list())
    },
  }
}
