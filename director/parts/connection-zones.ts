import { ensureCtTimeoutPolicies } from '../../shared/ovsdb/ct-timeout-policies.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import { ZONES } from '../apply/conntrack.ts'
import { createZones } from '../apply/zones.ts'
import type { House } from '../house.ts'
import { stopAll } from './stop-all.ts'

/** Keeps the timeouts of the services' connections in the database. */
export function connectionZones({ config, cells, companions, log }: House): Stop {
  const zones = createZones(config.connectionTimeouts)
  return stopAll(
    companions.plug({
      name: 'connection zones',
      ensure: async change => {
        zones.update(change)
        const [view, client] = [cells.bridge.get(), cells.ovsdb.get()]
        if (view === undefined || client === undefined) return
        const { datapathType } = view
        const wanted = zones.due(datapathType)
        if (wanted === undefined) return
        const { conflicts } = await ensureCtTimeoutPolicies(client, { datapathType, zones: wanted, range: ZONES })
        zones.inForce(datapathType)
        if (conflicts.length === 0) return
        log.warn('somebody else has set the timeouts of our connection tracking zones', { zones: conflicts })
      },
    }),
    cells.switchUp.subscribe(zones.distrust),
    cells.resync.subscribe(zones.distrust),
  )
}
