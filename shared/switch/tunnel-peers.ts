import type { Log } from '../log.ts'
import type { Action } from '../openflow/types.ts'
import type { Clock } from '../run/clock.ts'
import type { Switch } from './types.ts'

export interface TunnelPeers {
  /**
   * Underlay addresses of the hosts that packets will go to. New ones get a frame at once. All of them get one every minute, and
   * when our own hardware address has changed.
   */
  set(peers: Iterable<string>): void
  close(): void
}

export interface TunnelPeersOptions {
  readonly sw: () => Pick<Switch, 'packetOut'> | undefined
  readonly clock: Clock
  readonly log: Log
  /** Source of the frame: the hardware address of the director or of the host. */
  readonly mac: () => string | undefined
  /** Actions that send a frame to one peer; empty: not possible now. */
  actions(peer: string): readonly Action[]
}

/** Less than the 15 minutes after which ovs-vswitchd forgets a tunnel neighbour (ovs-appctl tnl/neigh/aging). */
const AGAIN_MS = 60_000

/**
 * Makes tunnel ends known to each other. Open vSwitch's userspace datapath drops the first packet to an end whose hardware
 * address it does not know yet. Without these frames this would be a client's SYN, which is repeated only after a second. Each
 * frame also tells the other end our hardware address.
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
        log.debug('a frame to a tunnel end could not be sent', { peer, err })
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
 * A frame without effect: its destination is an address that no bridge forwards (IEEE 802.1Q, 8.6.3: nearest bridge), its
 * EtherType is for local experiments (IEEE 802, 9.2.4), and it is padded to 60 bytes.
 */
function greeting(mac: string): Uint8Array {
  const frame = new Uint8Array(60)
  const source = mac.split(':').map(byte => Number.parseInt(byte, 16))
  frame.set([0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e, ...source, 0x88, 0xb5])
  return frame
}
