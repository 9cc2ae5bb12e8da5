import type { Cell } from '../../shared/run/cell.ts'
import type { GuestRecord, GuestRecords } from './types.ts'

/**
 * Guest records that publish every change. A pass under way might otherwise remove the shield of a VIP that a guest is just
 * getting; and a VIP that a guest has given back needs no shield any more.
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
