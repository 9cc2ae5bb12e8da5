import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { Log } from '../../shared/log.ts'
import type { CtZoneTimeouts } from '../../shared/ovsdb/ct-timeout-policies.ts'
import { createSession } from '../../shared/ovsdb/session.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { TURN_ZONE } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'

/** Seconds that a connection stays in the table without a packet; the defaults are those of ipvsadm(8) --set. */
export interface ConnectionTimeouts {
  readonly tcp: number
  readonly udp: number
}

/**
 * Timeouts for the services' zones. The director sees one direction only, so for conntrack every TCP connection stays
 * in SYN_SENT, and every UDP flow in SINGLE, until the end; the other states are set too, for packets that came twice.
 */
export function zoneTimeouts(services: readonly CompiledService[], timeouts: ConnectionTimeouts): CtZoneTimeouts[] {
  return services.flatMap(({ zone, protocol, persistence }) => [
    { zone, timeouts: lasting(protocol, timeouts[protocol]) },
    ...(persistence === undefined
      ? []
      : [{ zone: persistence.zone, timeouts: lasting(protocol, persistence.timeout) }]),
  ])
}

/** Without a connection for so long it does not matter any more whose turn it was. */
const TURN_SECONDS = 86_400

/** The zone that all services have together (compile/features/turn.ts). */
export const turnTimeouts: CtZoneTimeouts = {
  zone: TURN_ZONE,
  timeouts: { ...lasting('tcp', TURN_SECONDS), ...lasting('udp', TURN_SECONDS) },
}

function lasting(protocol: 'tcp' | 'udp', seconds: number): CtZoneTimeouts['timeouts'] {
  return protocol === 'tcp'
    ? { tcp_syn_sent: seconds, tcp_syn_sent2: seconds, tcp_syn_recv: seconds, tcp_established: seconds }
    : { udp_first: seconds, udp_single: seconds, udp_multiple: seconds }
}

/**
 * Tells vswitchd's userspace conntrack to let sequence numbers be (ovs-vswitchd(8), dpctl/ct-disable-tcp-seq-chk):
 * with one direction seen, it takes the packets of large uploads for invalid. Not saved by vswitchd, so to be done
 * after each of its starts. A kernel datapath has no such command and does not need it here; that is not an error.
 */
export async function disableSequenceChecks(options: VswitchdOptions): Promise<void> {
  await appctl(options, 'dpctl/ct-disable-tcp-seq-chk', [])
}

/**
 * The connections of one zone, a line each (ovs-vswitchd(8), dpctl/dump-conntrack). While vswitchd writes them it does
 * nothing else, which in a userspace datapath without PMD threads is also the forwarding: see connections/list.ts.
 */
export async function dumpConnections(options: VswitchdOptions, zone: number): Promise<string> {
  return String(await appctl(options, 'dpctl/dump-conntrack', ['-s', `zone=${zone}`]))
}

/**
 * Entries of the connection table, all zones together (ovs-vswitchd(8), dpctl/ct-get-nconns); undefined where packets go
 * on while they are written down: the kernel forwards, or a PMD thread polls the uplink.
 */
export async function entriesInTheWay(
  options: VswitchdOptions,
  datapathType: string | undefined,
  uplink: string,
): Promise<number | undefined> {
  if (datapathType !== 'netdev') return undefined
  const threads = String(await appctl(options, 'dpif-netdev/pmd-rxq-show', []))
  if (polledPorts(threads).has(uplink)) return undefined
  return Number(await appctl(options, 'dpctl/ct-get-nconns', []))
}

/** Ports in the text of `dpif-netdev/pmd-rxq-show`, which has PMD threads only. */
export function polledPorts(text: string): ReadonlySet<string> {
  return new Set(text.matchAll(/^\s*port: (\S+)/gm).map(([, port]) => port!))
}

export interface VswitchdOptions {
  readonly rundir: string
  readonly log: Log
  readonly clock: Clock
}

/** A dump of four million connections. */
const MOST_BYTES = 1024 * 1024 * 1024

async function appctl({ rundir, log, clock }: VswitchdOptions, command: string, args: string[]): Promise<unknown> {
  const pid = readFileSync(join(rundir, 'ovs-vswitchd.pid'), 'utf8').trim()
  const socket = createConnection(join(rundir, `ovs-vswitchd.${pid}.ctl`))
  socket.on('error', () => {})
  const session = createSession(socket, { log, clock, maxBytes: MOST_BYTES })
  try {
    return await session.call(command, args, 30_000)
  } finally {
    session.close()
  }
}
