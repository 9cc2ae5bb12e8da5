import { decodeCookie } from '../../shared/flows/cookie.ts'
import { ipPacket } from '../../shared/packet/ip.ts'
import type { PacketIn } from '../../shared/switch/types.ts'
import { TABLE, TURN_ZONE } from '../compile/tables.ts'
import type { SendOptions } from './types.ts'

/**
 * Detects that the switch's connection table is a new one, by an entry of its own in the table. Flows do not show this: they may
 * have been restored after a restart (ovs-ctl(8), restart), and a kernel keeps its table when ovs-vswitchd loses its flows.
 */
export interface TableWatch {
  /** A new session with the switch has begun: the switch may have been restarted. */
  distrust(): void
  /** The flows are in force. */
  applied(): void
  packet(packet: PacketIn): void
  close(): void
}

export interface TableWatchOptions extends SendOptions {
  /** Called when the table is a new one. */
  onLost(): void
}

/**
 * An operator may flush the table at any time. The entry lasts for a day after each look-up (apply/conntrack.ts, turnTimeouts).
 */
const LOOK_MS = 10_000

export function createTableWatch({ log, clock, switch: sw, onLost }: TableWatchOptions): TableWatch {
  let trusted = false
  let cancel = () => {}
  const send = (commit: boolean) =>
    sw()
      ?.packetOut({
        actions: [
          commit
            ? { type: 'ct', commit, zone: TURN_ZONE, exec: [{ type: 'set_field', field: 'ct_mark', value: 1 }] }
            : { type: 'ct', zone: TURN_ZONE, table: TABLE.UNANSWERED },
        ],
        data: CANARY,
      })
      .catch((err: unknown) => log.debug('the connection table could not be checked', { err }))
  const look = () => {
    send(false)
    cancel()
    cancel = clock.after(LOOK_MS, look)
  }
  return {
    distrust: () => {
      trusted = false
    },
    applied: () => {
      if (trusted) return
      trusted = true
      look()
    },
    packet: ({ cookie, data }) => {
      if (decodeCookie(cookie)?.kind !== 'unanswered' || !CANARY.equals(data)) return
      send(true)
      log.info('the connection table is a new one: earlier connections are recalled from the hosts')
      onLost()
    },
    close: () => cancel(),
  }
}

/** A UDP packet from port 1 to port 2, without a checksum, between addresses reserved for documentation (RFC 5737). */
const CANARY = Buffer.concat([
  Buffer.from('0200000000010200000000020800', 'hex'),
  ipPacket(
    { src: Buffer.from([192, 0, 2, 1]), dst: Buffer.from([192, 0, 2, 2]) },
    17,
    Buffer.from('0001000200080000', 'hex'),
  ),
])
