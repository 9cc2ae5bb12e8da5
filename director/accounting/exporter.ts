import { readFileSync, statSync } from 'node:fs'
import { endianness } from 'node:os'
import type { Clock } from '../../shared/run/clock.ts'

/** The sender of a datagram. */
export interface Source {
  readonly address: string
  readonly port: number
}

export interface ExporterOptions {
  readonly clock: Pick<Clock, 'now'>
  /** The collector's UDP port on 127.0.0.1. */
  readonly port: number
  /** The user whom ovs-vswitchd runs as; undefined while that is not known. */
  owner(): number | undefined
  /** The kernel's table of UDP sockets, proc_net_udp(5). */
  sockets?(): string
}

/** The table is read so often at most, in milliseconds: for a port that was the exporter's, and for others. */
const LOOK_MS = { known: 250, unknown: 50 } as const
/** What a socket has sent may be read so long after it was closed, where it was seen within that time. */
const CLOSED_MS = 2000
const LOOPBACK = '127.0.0.1'

/**
 * Whether a datagram is from ovs-vswitchd. Open vSwitch exports over UDP alone (ovs-vswitchd.conf.db(5), IPFIX, targets),
 * without any secret; but its socket is connected to the collector, and the kernel says whose each socket is. Nobody
 * else can send from the same address and port while it is open, unless they may open raw sockets.
 *
 * This does not stop who runs as ovs-vswitchd's user or as root. It does not stop anybody from filling the collector's
 * socket, so that records are lost: that shows in the exporter's sequence numbers. And for two seconds after
 * ovs-vswitchd has closed its socket another may take its port.
 */
export function createExporterCheck(options: ExporterOptions): (source: Source) => boolean {
  const { clock, port, owner, sockets = () => readFileSync('/proc/net/udp', 'latin1') } = options
  let ports: ReadonlySet<number> = new Set()
  /** By the look before that. */
  let before: ReadonlySet<number> = new Set()
  const isKnown = (port: number) => ports.has(port) || before.has(port)
  /** The last look for each; those for unknown ports are looks for known ones, too. */
  const looked = { known: Number.NEGATIVE_INFINITY, unknown: Number.NEGATIVE_INFINITY }

  return source => {
    if (source.address !== LOOPBACK) return false
    const now = clock.now()
    const kind = isKnown(source.port) ? 'known' : 'unknown'
    if (now - looked[kind] >= LOOK_MS[kind]) {
      before = now - looked.known < CLOSED_MS ? ports : new Set()
      looked[kind] = now
      looked.known = now
      const uid = owner()
      ports = uid === undefined ? new Set() : portsConnectedTo(sockets(), port, uid)
    }
    return isKnown(source.port)
  }
}

/** The user whose socket this is; undefined where there is none. */
export function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid
}

/** State 01 is a socket that is connected (TCP_ESTABLISHED); addresses and ports are hexadecimal. */
const SOCKET = /^ *\d+: ([0-9A-F]{8}):([0-9A-F]{4}) ([0-9A-F]{8}):([0-9A-F]{4}) 01 \S+ \S+ \S+ +(\d+) /gm
/** 127.0.0.1 as the table has it: a word in the byte order of the machine. */
const LOOPBACK_WORD = endianness() === 'LE' ? '0100007F' : '7F000001'

/** Ports on the loopback of this user's sockets that are connected to this port there. */
export function portsConnectedTo(table: string, port: number, uid: number): Set<number> {
  const found = new Set<number>()
  for (const [, local, localPort, remote, remotePort, user] of table.matchAll(SOCKET)) {
    const here = local === LOOPBACK_WORD && remote === LOOPBACK_WORD && Number.parseInt(remotePort!, 16) === port
    if (here && Number(user) === uid) found.add(Number.parseInt(localPort!, 16))
  }
  return found
}
