import type { Log } from '../../shared/log.ts'
import type { OvsdbClient } from '../../shared/ovsdb/connection.ts'
import {
  type CtTimeouts,
  ensureCtTimeoutPolicies,
  tcpTimeouts,
  untouched,
} from '../../shared/ovsdb/ct-timeout-policies.ts'
import type { Reading } from '../../shared/run/cell.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createSequenceChecks } from '../../shared/switch/sequence-checks.ts'
import { createSessionSteps } from '../../shared/switch/session-steps.ts'
import { limitEntries } from '../../shared/switch/vswitchd.ts'
import { CLIENT_ZONE, HOST_ZONE } from '../compile/tables.ts'

/** The conntrack zones in which this host keeps its real servers' connections and persistent clients. */
export interface HostZone {
  /**
   * Sets the zones' timeouts. `idle`: seconds that an idle connection is kept, the same as in the directors' tables; `clients`:
   * seconds that a persistent client is kept, 0: there are none. Throws as OVSDB does.
   */
  ensure(datapathType: string, idle: number, clients: number): Promise<void>
  /** Forgets what has been set: the switch may be another one by now, or somebody has changed the database. */
  distrust(): void
  /** Removes what it has set in the database, and sets nothing any more. */
  withdraw(): Promise<void>
}

export interface HostZoneOptions {
  readonly rundir: string
  readonly ovsdb: Reading<Pick<OvsdbClient, 'call'> | undefined>
  readonly log: Log
  readonly clock: Clock
}

/**
 * Most entries of each zone in the userspace datapath, some 600 bytes each. It bounds a flood of SYNs, whose entries live as
 * long as those of established connections. Connections beyond it are served, but not recalled.
 */
const MOST_ENTRIES = 1_000_000

const RANGE = { first: CLIENT_ZONE, last: HOST_ZONE } as const

export function createHostZone(options: HostZoneOptions): HostZone {
  const { log } = options
  let settled = ''
  const steps = createSessionSteps(log)
  const checks = createSequenceChecks(options, 'connections with large uploads may not be recalled')
  let withdrawn = false
  let datapath = ''
  return {
    ensure: async (datapathType, idle, clients) => {
      if (withdrawn) return
      datapath = datapathType
      if (datapathType === 'netdev') {
        const failure = 'the number of connections that this host keeps is not limited'
        for (const zone of [HOST_ZONE, CLIENT_ZONE])
          await steps.once(`limit ${zone}`, () => limitEntries(options, [zone], MOST_ENTRIES), failure, { zone })
      }
      await checks.off(datapathType)
      const wanted = `${datapathType} ${idle} ${clients}`
      const client = options.ovsdb.get()
      if (client === undefined || settled === wanted) return
      const zones = [
        {
          zone: HOST_ZONE,
          timeouts: { ...tcpTimeouts(idle), ...learntAgain(datapathType, idle), ...halfClosed(idle) },
        },
        ...(clients === 0 ? [] : [{ zone: CLIENT_ZONE, timeouts: untouched('tcp', clients) }]),
      ]
      const { conflicts } = await ensureCtTimeoutPolicies(client, { datapathType, zones, range: RANGE })
      settled = wanted
      if (conflicts.length > 0)
        log.warn('somebody else has set the timeouts of our connection tracking zones', { zone: HOST_ZONE })
    },
    distrust: () => {
      settled = ''
      steps.distrust()
      checks.distrust()
    },
    withdraw: async () => {
      withdrawn = true
      const client = options.ovsdb.get()
      if (client === undefined || datapath === '') return
      await ensureCtTimeoutPolicies(client, { datapathType: datapath, zones: [], range: RANGE })
    },
  }
}

/**
 * A connection that this host has learnt again after a restart of its switch is known only by its requests. The userspace datapath
 * takes it for half open (conntrack-tcp.c, tcp_conn_update), the kernel for established.
 */
function learntAgain(datapathType: string, idle: number): CtTimeouts {
  return datapathType === 'netdev' ? { tcp_syn_sent: idle, tcp_syn_recv: idle } : {}
}

/** A connection that only one side has ended lasts as long as an idle one: the director forgets it soon, and then asks. */
function halfClosed(idle: number): CtTimeouts {
  return { tcp_fin_wait: idle, tcp_close_wait: idle }
}
