import type { Log } from '../../shared/log.ts'
import type { OvsdbClient } from '../../shared/ovsdb/connection.ts'
import type { Reading } from '../../shared/run/cell.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createBridgeTeacher, type Taught } from './bridge-teacher.ts'
import { createHostZone } from './host-zone.ts'

/** What the flows need from vswitchd and its database, besides the flow table. */
export interface Settings {
  readonly datapathType: string
  /** Seconds that an idle connection is kept. */
  readonly connectionSeconds: number
  /** Seconds that a persistent client is remembered; 0: no service has persistent clients. */
  readonly clientSeconds: number
  /** Addresses whose port the bridge must know. */
  readonly taught: { readonly port: string; readonly addresses: readonly Taught[] } | undefined
}

export interface SwitchSettings {
  /** Rejects when something could not be set; the flows are applied all the same, and the caller tries again. */
  ensure(settings: Settings): Promise<void>
  /** Forgets what has been set: the switch may be another one by now. */
  distrust(): void
  /** Removes what it has set in the database. */
  withdraw(): Promise<void>
}

export interface SwitchSettingsOptions {
  readonly rundir: string
  readonly bridge: string
  readonly ovsdb: Reading<Pick<OvsdbClient, 'call'> | undefined>
  readonly log: Log
  readonly clock: Clock
}

export function createSwitchSettings({ rundir, bridge, ovsdb, log, clock }: SwitchSettingsOptions): SwitchSettings {
  const zone = createHostZone({ rundir, ovsdb, log, clock })
  const teacher = createBridgeTeacher({ rundir, bridge, log, clock })
  return {
    ensure: async ({ datapathType, connectionSeconds, clientSeconds, taught }) => {
      if (taught !== undefined) await teacher.ensure(taught.port, taught.addresses)
      await zone.ensure(datapathType, connectionSeconds, clientSeconds)
    },
    distrust: () => {
      zone.distrust()
      teacher.distrust()
    },
    withdraw: zone.withdraw,
  }
}
