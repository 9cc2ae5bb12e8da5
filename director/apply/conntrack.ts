import { type CtZoneTimeouts, tcpTimeouts, untouched } from '../../shared/ovsdb/ct-timeout-policies.ts'
import { appctl, countEntries, datapathName, type VswitchdOptions } from '../../shared/switch/vswitchd.ts'
import { TURN_ZONE } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'
import type { ConnectionTimeouts } from '../config.ts'

/**
 * Timeouts for the services' zones. Of TCP the table follows both sides; of UDP it sees one only, so a flow stays in SINGLE
 * until the end. An entry that is of no packet's tuple (persistent clients, turns) never leaves the state it begins in.
 */
export function zoneTimeouts(
  services: readonly CompiledService[],
  timeouts: ConnectionTimeouts,
  datapathType: string,
): CtZoneTimeouts[] {
  return services.flatMap(({ zone, protocol, persistence }) => [
    { zone, timeouts: protocol === 'tcp' ? tcpTimeouts(datapathType, timeouts.tcp) : untouched('udp', timeouts.udp) },
    ...(persistence === undefined
      ? []
      : [{ zone: persistence.zone, timeouts: untouched(protocol, persistence.timeout) }]),
  ])
}

/** Turns and services (director/store/numbers.ts). */
export const ZONES = { first: TURN_ZONE, last: 0xffff } as const

/** Without a connection for so long it does not matter any more whose turn it was. */
const TURN_SECONDS = 86_400

/** The zone that all services have together (compile/features/turn.ts). */
export const turnTimeouts: CtZoneTimeouts = {
  zone: TURN_ZONE,
  timeouts: { ...untouched('tcp', TURN_SECONDS), ...untouched('udp', TURN_SECONDS) },
}

/**
 * The connections of one zone, a line each (ovs-vswitchd(8), dpctl/dump-conntrack); with details, TCP's states of both
 * sides. While vswitchd writes them it does nothing else, which in a userspace datapath without PMD threads is also the
 * forwarding: see connections/list.ts.
 */
export async function dumpConnections(
  options: VswitchdOptions,
  datapathType: string,
  zone: number,
  details: boolean,
): Promise<string> {
  const more = details ? ['-m'] : []
  return String(
    await appctl(options, 'dpctl/dump-conntrack', [...more, '-s', datapathName(datapathType), `zone=${zone}`]),
  )
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
  return countEntries(options)
}

/**
 * Forgets all connections of one zone (ovs-vswitchd(8), dpctl/flush-conntrack). Open vSwitch 3.1.0 takes the datapath's name
 * for a part of a connection; without it, it works where all bridges have one type. Rejects with what vswitchd says.
 */
export async function flushZone(options: VswitchdOptions, datapathType: string, zone: number): Promise<void> {
  const flush = (...args: string[]) => appctl(options, 'dpctl/flush-conntrack', [...args, `zone=${zone}`])
  await flush(datapathName(datapathType)).catch(() => flush())
}

/** Ports in the text of `dpif-netdev/pmd-rxq-show`, which has PMD threads only. */
export function polledPorts(text: string): ReadonlySet<string> {
  return new Set(text.matchAll(/^\s*port: (\S+)/gm).map(([, port]) => port!))
}
