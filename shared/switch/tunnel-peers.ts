import type { Log } from '../log.ts'
import type { Action } from '../openflow/types.ts'
import type { Clock } from '../run/clock.ts'
import type { Switch } from './types.ts'

export interface TunnelPeers {
  /**
   * Underlay addresses of the hosts that packets will go to. New ones hear from us at once, all of them every minute, and
   * when our own hardware address is another than they have heard.
   */
  set(peers: Iterable<string>): void
  close(): void
}

export interface TunnelPeersOptions {
  readonly sw: () => Pick<Switch, 'packetOut'> | undefined
  readonly clock: Clock
  readonly log: Log
  /** Source of the frame: the director's or the host's hardware address. */
  readonly mac: () => string | undefined
  /** Sends a frame to one peer; empty: not possible now. */
  actions(peer: string): readonly Action[]
}

/** Below the 15 minutes after which ovs-vswitchd forgets a tunnel neighbour (ovs-appctl tnl/neigh/aging). */
const AGAIN_MS = 60_000

/**
 * Keeps tunnel ends acquainted. Open vSwitch's userspace datapath drops the first packet to an end whose hardware
 * address it has to ask for: without this it is a client's SYN, which comes again only after a second. The frame also
 * tells the other end where our hardware address is.
 */
export function keepTunnelPeers({ sw, clock, log, mac, actions }: TunnelPeersOptions): TunnelPeers {
  let known = new Set<string>()
  let told: string | undefined
  const greet = (peer: string) => {
    const source = mac()
    const way = actions(peer)
    if (source === undefined || way.length === 0) return known.delete(peer)
    return sw()
      ?.packetOut({ actions: way, data: greeting(source) })
      .catch((err: unknown) => {
        known.delete(peer)
        log.debug('a tunnel end could not be greeted', { peer, err })
      })
  }
  const again = () => {
    for (const peer of known) greet(peer)
    cancel = clock.after(AGAIN_MS, again)
  }
  let cancel = clock.after(AGAIN_MS, again)
  return {
    set: peers => {
      const source = mac() ?? told
      const before = source === told ? known : new Set<string>()
      told = source
      known = new Set(peers)
      for (const peer of known) if (!before.has(peer)) greet(peer)
    },
    close: () => cancel(),
  }
}

/**
 * A frame that nobody minds: to the address that no bridge forwards (IEEE 802.1Q, 8.6.3: nearest bridge), of the
 * EtherType for local experiments (IEEE 802, 9.2.4), padded to 60 bytes.
 */
function greeting(mac: string): Uint8Array {
  const frame = new Uint8Array(60)
  const source = mac.split(':').map(byte => Number.parseInt(byte, 16))
  frame.set([0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e, ...source, 0x88, 0xb5])
  return frame
}
