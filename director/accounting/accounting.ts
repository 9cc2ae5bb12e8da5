import { join } from 'node:path'
import type { Log } from '../../shared/log.ts'
import type { OvsdbClient } from '../../shared/ovsdb/connection.ts'
import { ensureFlowSampleCollector, removeFlowSampleCollector } from '../../shared/ovsdb/flow-sample-collector.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { ACCOUNTING } from '../compile/tables.ts'
import type { DirectorConfig } from '../config.ts'
import type { Accounts } from './accounts.ts'
import { type Collector, startCollector } from './collector.ts'
import { ownerOf } from './exporter.ts'

/**
 * Counts packets and bytes of every connection where the datapath does not. vswitchd adds up the packets that pass the `sample`
 * action (compile/features/account.ts) and exports each connection's sum as IPFIX, every second or less often.
 */
export interface Accounting {
  /** Makes the switch export the connections, where accounting is wanted. Throws as OVSDB does. */
  ensure(client: Pick<OvsdbClient, 'call'>, datapathType: string): Promise<void>
  /** Forgets what has been set: somebody may have changed the database. */
  distrust(): void
  start(): Promise<void>
  /** Stops the export until `ensure` is called again; the flows stay. */
  withdraw(client: Pick<OvsdbClient, 'call'>): Promise<void>
  stop(): void
}

export interface AccountingOptions {
  readonly config: Pick<DirectorConfig, 'accounting' | 'bridge' | 'ovsRunDir'>
  readonly accounts: Pick<Accounts, 'add' | 'lost'>
  readonly log: Log
  readonly clock: Clock
  /** Called when another interval is due: the next pass must call `ensure`. */
  changed(): void
}

/** Connections that vswitchd adds up at one time. */
const MAX_FLOWS = 100_000
/**
 * Seconds for which vswitchd adds up a connection's packets before it exports them. A shorter interval keeps the accounts fresher
 * and costs more records. The interval doubles above `records` records a second, and halves below a quarter of that.
 */
const INTERVAL = { least: 1, most: 64, records: 2000, checkMs: 10_000 } as const

export function createAccounting({ config, accounts, log, clock, changed }: AccountingOptions): Accounting {
  // ovs-vswitchd creates this socket, so the socket's owner is the user that it runs as.
  const managementSocket = join(config.ovsRunDir, `${config.bridge}.mgmt`)
  const place = { bridge: config.bridge, id: ACCOUNTING.collectorSet }
  let collector: Collector | undefined
  let seconds: number = INTERVAL.least
  let due = true
  let exporting = false
  let lost = 0
  let received = 0
  let cancel = () => {}

  const check = () => {
    const rate = (((collector?.received ?? 0) - received) * 1000) / INTERVAL.checkMs
    received = collector?.received ?? 0
    const next = intervalFor(rate, seconds)
    if (lost > 0)
      log.warn('records of connections were lost: the accounts of these connections are too low', { records: lost })
    lost = 0
    if (next !== seconds) {
      log.debug('the interval of the accounting has changed', { seconds: next, recordsPerSecond: Math.round(rate) })
      seconds = next
      due = true
      changed()
    }
    cancel = clock.after(INTERVAL.checkMs, check)
  }

  return {
    ensure: async (client, datapathType) => {
      if (!due) return
      due = false
      try {
        // A collector of an earlier run with another port; or the datapath counts by itself now.
        if (!exporting) await removeFlowSampleCollector(client, place)
        if (collector === undefined || datapathType !== 'netdev') return
        const target = `127.0.0.1:${collector.port}`
        exporting = await ensureFlowSampleCollector(client, place, {
          target,
          activeTimeout: seconds,
          maxFlows: MAX_FLOWS,
        })
        if (!exporting) log.warn(`connections are not accounted: collector set ${place.id} belongs to somebody else`)
      } catch (err) {
        due = true
        throw err
      }
    },
    distrust: () => {
      due = true
    },
    start: async () => {
      if (!config.accounting) return
      collector = await startCollector({
        log,
        clock,
        owner: () => ownerOf(managementSocket),
        onRecord: (record, domain) => accounts.add(record, domain, clock.now()),
        onLost: count => {
          lost += count
          accounts.lost()
        },
      })
      cancel = clock.after(INTERVAL.checkMs, check)
    },
    withdraw: async client => {
      due = true
      exporting = false
      await removeFlowSampleCollector(client, place)
    },
    stop: () => {
      cancel()
      collector?.close()
    },
  }
}

/** The next interval in seconds, from the records a second that the present one has brought. */
export function intervalFor(recordsPerSecond: number, seconds: number): number {
  if (recordsPerSecond > INTERVAL.records) return Math.min(seconds * 2, INTERVAL.most)
  return recordsPerSecond < INTERVAL.records / 4 ? Math.max(seconds / 2, INTERVAL.least) : seconds
}
