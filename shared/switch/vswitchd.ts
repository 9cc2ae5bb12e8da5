import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import { createSession } from '../ovsdb/session.ts'
import type { Clock } from '../run/clock.ts'

export interface VswitchdOptions {
  /** Where its pid file and its sockets are. */
  readonly rundir: string
  readonly log: Log
  readonly clock: Clock
}

/** A dump of four million connections. */
const MOST_BYTES = 1024 * 1024 * 1024

/** A command of ovs-vswitchd(8), as ovs-appctl(8) sends it. Rejects with what vswitchd says. */
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

/** As `dpctl` names it (ovs-dpctl(8)): without a name it refuses to work where a machine has bridges of both types. */
export function datapathName(datapathType: string): string {
  return `${datapathType}@ovs-${datapathType}`
}

/**
 * Tells vswitchd's userspace conntrack to let sequence numbers be (ovs-vswitchd(8), dpctl/ct-disable-tcp-seq-chk): of the
 * replies it sees but a few, and takes the packets of large uploads for invalid. Not saved by vswitchd, so to be done after
 * each of its starts. A kernel datapath has no such command and does not need it: Open vSwitch makes it liberal there.
 */
export async function disableSequenceChecks(options: VswitchdOptions): Promise<void> {
  await appctl(options, 'dpctl/ct-disable-tcp-seq-chk', [datapathName('netdev')])
}

/** Entries of the userspace connection table, all zones together (ovs-vswitchd(8), dpctl/ct-get-nconns). */
export async function countEntries(options: VswitchdOptions): Promise<number> {
  return Number(await appctl(options, 'dpctl/ct-get-nconns', [datapathName('netdev')]))
}

/** The most that it may have (ovs-vswitchd(8), dpctl/ct-get-maxconns). */
export async function mostEntries(options: VswitchdOptions): Promise<number> {
  return Number(await appctl(options, 'dpctl/ct-get-maxconns', [datapathName('netdev')]))
}

/** The most entries that a zone may have (ovs-vswitchd(8), dpctl/ct-set-limits). Not saved by vswitchd. */
export async function limitEntries(options: VswitchdOptions, zone: number, limit: number): Promise<void> {
  await appctl(options, 'dpctl/ct-set-limits', [`zone=${zone},limit=${limit}`])
}
