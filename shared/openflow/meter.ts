import { begin, finish, TYPE } from './header.ts'
import { createWriter, u16, u32, written, zeros } from './writer.ts'

/** A meter of packets: packets beyond `rate` a second, after a burst of `burst` packets, are dropped. */
export interface Meter {
  readonly id: number
  readonly rate: number
  readonly burst: number
}

const COMMAND = { add: 0, modify: 1, delete: 2 } as const
/** ofp_meter_flags (OpenFlow 1.5.1, 7.3.4.5): packets a second, with bursts. */
const PACKETS_AND_BURST = 0x2 | 0x4
const BAND_DROP = 1

/**
 * A METER_MOD. Throws OPENFLOW_VALUE_INVALID. Bundles cannot contain meters (ofproto.c, handle_bundle_add), so a meter is sent
 * before the flows that use it.
 */
export const encodeMeterMod = (xid: number, command: keyof typeof COMMAND, meter: Meter): Buffer => {
  const w = createWriter()
  const start = begin(w, TYPE.METER_MOD, xid)
  u16(w, COMMAND[command])
  u16(w, PACKETS_AND_BURST)
  u32(w, meter.id, 'meter')
  if (command !== 'delete') {
    u16(w, BAND_DROP)
    u16(w, 16)
    u32(w, meter.rate, 'meter rate')
    u32(w, meter.burst, 'meter burst')
    zeros(w, 4)
  }
  finish(w, start)
  return written(w)
}
