import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import type { Log } from '../../shared/log.ts'
import type { CtZoneTimeouts } from '../../shared/ovsdb/ct-timeout-policies.ts'
import { createSession } from '../../shared/ovsdb/session.ts'
import type { Clock } from '../../shared/run/clock.ts'
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
export async function disableSequenceChecks(options: { rundir: string; log: Log; clock: Clock }): Promise<void> {
  const { rundir, log, clock } = options
  const pid = readFileSync(join(rundir, 'ovs-vswitchd.pid'), 'utf8').trim()
  const socket = createConnection(join(rundir, `ovs-vswitchd.${pid}.ctl`))
  socket.on('error', () => {})
  const session = createSession(socket, { log, clock })
  try {
    await session.call('dpctl/ct-disable-tcp-seq-chk', [], 5000)
  } finally {
    session.close()
  }
}
