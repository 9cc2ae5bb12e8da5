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
import { disableSequenceChecks, limitEntries } from '../../shared/switch/vswitchd.ts'
import { CLIENT_ZONE, HOST_ZONE } from '../compile/tables.ts'

/** The conntrack zone in which this host keeps its real servers' connections. */
export interface HostZone {
  /**
   * `idle`: seconds that an idle connection is kept, as long as in the directors' tables; `clients`: that a persistent client
   * is. Throws as OVSDB does.
   */
  ensure(datapathType: string, idle: number, clients: number): Promise<void>
  /** It may be another switch by now, or somebody has changed the database. */
  distrust(): void
  /** Removes what it has set in the database, and does no more. */
  withdraw(): Promise<void>
}

export interface HostZoneOptions {
  readonly rundir: string
  readonly ovsdb: Reading<Pick<OvsdbClient, 'call'> | undefined>
  readonly log: Log
  readonly clock: Clock
}

/**
 * Of each zone in the userspace datapath, some 600 bytes each: what a flood of SYNs can make of entries that live as long as
 * established connections. What is beyond is served, but not recalled.
 */
const MOST_ENTRIES = 1_000_000

const RANGE = { first: CLIENT_ZONE, last: HOST_ZONE } as const

export function createHostZone(options: HostZoneOptions): HostZone {
  const { log } = options
  let settled = ''
  let relaxed = false
  let withdrawn = false
  let datapath = ''
  return {
    ensure: async (datapathType, idle, clients) => {
      if (withdrawn) return
      datapath = datapathType
      if (!relaxed && datapathType === 'netdev') {
        // Asked once a session: a vswitchd that does not know the command will not learn it.
        relaxed = true
        for (const zone of [HOST_ZONE, CLIENT_ZONE])
          await limitEntries(options, zone, MOST_ENTRIES).catch((err: unknown) =>
            log.warn('the connections that this host remembers are not limited', { zone, err }),
          )
        await disableSequenceChecks(options).catch((err: unknown) =>
          log.warn('conntrack goes on checking sequence numbers: connections with large uploads may not be recalled', {
            err,
          }),
        )
      }
      const wanted = `${datapathType} ${idle} ${clients}`
      const client = options.ovsdb.get()
      if (client === undefined || settled === wanted) return
      const zones = [
        { zone: HOST_ZONE, timeouts: { ...tcpTimeouts(datapathType, idle), ...halfClosed(idle) } },
        ...(clients === 0 ? [] : [{ zone: CLIENT_ZONE, timeouts: untouched('tcp', clients) }]),
      ]
      const { conflicts } = await ensureCtTimeoutPolicies(client, { datapathType, zones, range: RANGE })
      settled = wanted
      if (conflicts.length > 0)
        log.warn('a connection tracking zone that somebody else has set up', { zone: HOST_ZONE })
    },
    distrust: () => {
      settled = ''
      relaxed = false
    },
    withdraw: async () => {
      withdrawn = true
      const client = options.ovsdb.get()
      if (client === undefined || datapath === '') return
      await ensureCtTimeoutPolicies(client, { datapathType: datapath, zones: [], range: RANGE })
    },
  }
}

/** One side has ended, the other may take its time: the director forgets such a connection soon, and asks. */
function halfClosed(idle: number): CtTimeouts {
  return { tcp_fin_wait: idle, tcp_close_wait: idle }
}
