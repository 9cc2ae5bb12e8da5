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

/** Limits the entries of a zone (ovs-vswitchd(8), dpctl/ct-set-limits). vswitchd does not save this. */
export async function limitEntries(options: VswitchdOptions, zone: number, limit: number): Promise<void> {
  await appctl(options, 'dpctl/ct-set-limits', [`zone=${zone},limit=${limit}`])
}
