import { type CtZoneTimeouts, tcpTimeouts, untouched } from '../../shared/ovsdb/ct-timeout-policies.ts'
import { appctl, countEntries, datapathName, type VswitchdOptions } from '../../shared/switch/vswitchd.ts'
import { TURN_ZONE } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'
import type { ConnectionTimeouts } from '../config.ts'

/**
 * Timeouts of the services' zones. The table sees both sides of a TCP connection, but only one side of a UDP flow, which
 * therefore stays in state SINGLE. Entries that no packet matches (persistent clients, turns) never leave their first state.
 */
export function zoneTimeouts(services: readonly CompiledService[], timeouts: ConnectionTimeouts): CtZoneTimeouts[] {
  return services.flatMap(({ zone, protocol, persistence }) => [
    { zone, timeouts: protocol === 'tcp' ? tcpTimeouts(timeouts.tcp) : untouched('udp', timeouts.udp) },
    ...(persistence === undefined
      ? []
      : [{ zone: persistence.zone, timeouts: untouched(protocol, persistence.timeout) }]),
  ])
}

/** Zones of the turns and of the services (director/store/numbers.ts). */
export const ZONES = { first: TURN_ZONE, last: 0xffff } as const

/** After so long without a connection it does not matter whose turn it was. */
const TURN_SECONDS = 86_400

/** The zone that all services share for their turns (compile/features/turn.ts). */
export const turnTimeouts: CtZoneTimeouts = {
  zone: TURN_ZONE,
  timeouts: { ...untouched('tcp', TURN_SECONDS), ...untouched('udp', TURN_SECONDS) },
}

/**
 * Reads the connections of one zone, one per line (ovs-vswitchd(8), dpctl/dump-conntrack); with details, each line has the TCP
 * states of both sides. vswitchd does nothing else meanwhile. In a userspace datapath without PMD threads it does not forward
 * either (see connections/list.ts).
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
 * Number of entries in the connection table, over all zones (ovs-vswitchd(8), dpctl/ct-get-nconns). Undefined where reading the
 * table does not stop forwarding: in the kernel datapath, or when a PMD thread polls the uplink.
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
 * Removes all connections of one zone (ovs-vswitchd(8), dpctl/flush-conntrack). Open vSwitch 3.1.0 takes the datapath's name for
 * a part of a connection, so the name is left out, which works where all bridges have one datapath type. Rejects with vswitchd's
 * own words.
 */
export async function flushZone(options: VswitchdOptions, datapathType: string, zone: number): Promise<void> {
  const flush = (...args: string[]) => appctl(options, 'dpctl/flush-conntrack', [...args, `zone=${zone}`])
  await flush(datapathName(datapathType)).catch(() => flush())
}

/** Ports that PMD threads poll, from the text of `dpif-netdev/pmd-rxq-show`. */
export function polledPorts(text: string): ReadonlySet<string> {
  return new Set(text.matchAll(/^\s*port: (\S+)/gm).map(([, port]) => port!))
}
