import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import { createSession } from '../ovsdb/session.ts'
import type { Clock } from '../run/clock.ts'

export interface VswitchdOptions {
  /** Directory of its pid file and its sockets. */
  readonly rundir: string
  readonly log: Log
  readonly clock: Clock
}

/** Enough for a dump of four million connections. */
const MOST_BYTES = 1024 * 1024 * 1024

/** Runs a command of ovs-vswitchd(8), as ovs-appctl(8) does. Rejects with vswitchd's own words. */
export async function appctl(
  { rundir, log, clock }: VswitchdOptions,
  command: string,
  args: string[],
): Promise<unknown> {
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

/**
 * The datapath's name for `dpctl` (ovs-dpctl(8)), which refuses to work without one where a machine has bridges of both types.
 */
export function datapathName(datapathType: string): string {
  return `${datapathType}@ovs-${datapathType}`
}

/**
 * Makes vswitchd's userspace conntrack ignore sequence numbers (ovs-vswitchd(8), dpctl/ct-disable-tcp-seq-chk): it sees only a
 * few of the replies, and would take the packets of large uploads for invalid. vswitchd does not save the setting, so it is
 * needed after each of its starts. The kernel datapath has no such command and needs none, because Open vSwitch makes its
 * conntrack liberal.
 */
export async function disableSequenceChecks(options: VswitchdOptions): Promise<void> {
  await appctl(options, 'dpctl/ct-disable-tcp-seq-chk', [datapathName('netdev')])
}

/** Number of entries in the userspace connection table, over all zones (ovs-vswitchd(8), dpctl/ct-get-nconns). */
export async function countEntries(options: VswitchdOptions): Promise<number> {
  return Number(await appctl(options, 'dpctl/ct-get-nconns', [datapathName('netdev')]))
}

/** Most entries that the userspace connection table may have (ovs-vswitchd(8), dpctl/ct-get-maxconns). */
export async function mostEntries(options: VswitchdOptions): Promise<number> {
  return Number(await appctl(options, 'dpctl/ct-get-maxconns', [datapathName('netdev')]))
}

/**
 * Limits the entries of each of these zones in the userspace connection table (ovs-vswitchd(8), dpctl/ct-set-limits): beyond it
 * packets go on without one. vswitchd does not save this. In the kernel a limit makes each new entry look at all those of its zone
 * (nf_conncount.c), so it is not used there.
 */
export async function limitEntries(options: VswitchdOptions, zones: readonly number[], limit: number): Promise<void> {
  const limits = zones.map(zone => `zone=${zone},limit=${limit}`)
  if (limits.length > 0) await appctl(options, 'dpctl/ct-set-limits', [datapathName('netdev'), ...limits])
}

/** Takes the limits of these zones away (ovs-vswitchd(8), dpctl/ct-del-limits). */
export async function unlimitEntries(options: VswitchdOptions, zones: readonly number[]): Promise<void> {
  if (zones.length > 0)
    await appctl(options, 'dpctl/ct-del-limits', [datapathName('netdev'), `zone=${zones.join(',')}`])
}

/** Number of entries in each of these zones since it has a limit, by zone (ovs-vswitchd(8), dpctl/ct-get-limits). */
export async function countByZone(
  options: VswitchdOptions,
  zones: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  if (zones.length === 0) return new Map()
  const text = String(await appctl(options, 'dpctl/ct-get-limits', [datapathName('netdev'), `zone=${zones.join(',')}`]))
  return new Map(
    text.matchAll(/^zone=(\d+),limit=\d+,count=(\d+)$/gm).map(([, zone, count]) => [Number(zone), Number(count)]),
  )
}
