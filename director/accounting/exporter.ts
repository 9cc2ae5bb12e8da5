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
  /** The user that ovs-vswitchd runs as; undefined while it is not known. */
  owner(): number | undefined
  /** The kernel's table of UDP sockets, proc_net_udp(5). */
  sockets?(): string
}

/** Least time between two reads of the table, in milliseconds: for a port that was the exporter's, and for other ports. */
const LOOK_MS = { known: 250, unknown: 50 } as const
/**
 * A socket's datagrams are still accepted for so long after the socket was last seen, because they may be read after it was
 * closed.
 */
const CLOSED_MS = 2000
const LOOPBACK = '127.0.0.1'

/**
 * Checks whether a datagram is from ovs-vswitchd. Open vSwitch exports only over UDP (ovs-vswitchd.conf.db(5), IPFIX, targets),
 * without any secret. But its socket is connected to the collector, and the kernel's table of sockets names the owner of each.
 * While that socket is open, only programs with raw sockets can send from the same address and port.
 *
 * The check does not stop programs that run as root or as ovs-vswitchd's user. It does not stop a program from filling the
 * collector's socket; records are lost then, which the exporter's sequence numbers show. For two seconds after ovs-vswitchd has
 * closed its socket, another program may take its port.
 */
export function createExporterCheck(options: ExporterOptions): (source: Source) => boolean {
  const { clock, port, owner, sockets = () => readFileSync('/proc/net/udp', 'latin1') } = options
  let ports: ReadonlySet<number> = new Set()
  /** The ports that the read before the last has shown. */
  let before: ReadonlySet<number> = new Set()
  const isKnown = (port: number) => ports.has(port) || before.has(port)
  /** Time of the last read for each kind of port. A read for unknown ports serves known ones too. */
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

/** The user that owns the socket; undefined when there is no socket. */
export function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid
}

/** A line of a connected socket: state 01 (TCP_ESTABLISHED); addresses and ports are hexadecimal. */
const SOCKET = /^ *\d+: ([0-9A-F]{8}):([0-9A-F]{4}) ([0-9A-F]{8}):([0-9A-F]{4}) 01 \S+ \S+ \S+ +(\d+) /gm
/** 127.0.0.1 as the table writes it: a word in the machine's byte order. */
const LOOPBACK_WORD = endianness() === 'LE' ? '0100007F' : '7F000001'

/** Loopback ports of this user's sockets that are connected to `port` on the loopback. */
export function portsConnectedTo(table: string, port: number, uid: number): Set<number> {
  const found = new Set<number>()
  for (const [, local, localPort, remote, remotePort, user] of table.matchAll(SOCKET)) {
    const here = local === LOOPBACK_WORD && remote === LOOPBACK_WORD && Number.parseInt(remotePort!, 16) === port
    if (here && Number(user) === uid) found.add(Number.parseInt(localPort!, 16))
  }
  return found
}
