import { decodeCookie } from '../../shared/flows/cookie.ts'
import type { PacketIn } from '../../shared/switch/types.ts'
import { TABLE, WAITED } from '../compile/tables.ts'
import { from, type SendOptions } from './types.ts'

/**
 * Holds the first SYN of a persistent client while hosts are asked whose the client is (compile/features/persistence.ts), for
 * some time after the connection table was lost. Then the SYN goes through the tables again: to the real server that a host has
 * named meanwhile, or to a newly scheduled one.
 */
export interface HeldSyns {
  packet(packet: PacketIn): void
  close(): void
}

/** Hosts answer within one or two milliseconds, later when they are busy. */
const WAIT_MS = 50
/** When so many SYNs wait, a further one goes on at once. */
const MOST = 1000

export function createHeldSyns({ log, clock, switch: sw }: SendOptions): HeldSyns {
  const waiting = new Set<() => void>()
  const go = (held: PacketIn) => {
    const { match, data } = held
    const packet = {
      ...from(held),
      actions: [
        ...(match.tun_id === undefined ? [] : [{ type: 'set_field', field: 'tun_id', value: match.tun_id } as const]),
        { type: 'set_field', field: WAITED, value: 1 },
        { type: 'resubmit', table: TABLE.CLASSIFY },
      ],
      data,
    } as const
    sw()
      ?.packetOut(packet)
      .catch((err: unknown) => log.debug('a SYN that has waited could not be sent on', { err }))
  }
  return {
    packet: packet => {
      const cookie = decodeCookie(packet.cookie)
      if (cookie?.owner !== 'director' || cookie.kind !== 'client') return
      if (waiting.size >= MOST) return go(packet)
      const cancel = clock.after(WAIT_MS, () => {
        waiting.delete(cancel)
        go(packet)
      })
      waiting.add(cancel)
    },
    close: () => {
      for (const cancel of waiting) cancel()
    },
  }
}
