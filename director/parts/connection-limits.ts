import type { Stop } from '../../shared/run/lifecycle.ts'
import { countEntries, mostEntries } from '../../shared/switch/vswitchd.ts'
import { createLimits } from '../apply/limits.ts'
import { startZoneFill } from '../balance/zone-fill.ts'
import type { House } from '../house.ts'
import { inForce } from './in-force.ts'
import { stopAll } from './stop-all.ts'

/** Keeps the connections of one service from filling the connection table, and tells when they come near to their limit. */
export function connectionLimits(house: House): Stop {
  const { cells, companions, config, vswitchd } = house
  const limits = createLimits(vswitchd, config.connectionLimit)
  const fill = startZoneFill({
    ...inForce(house),
    limits,
    table: async () => ({ entries: await countEntries(vswitchd), most: await mostEntries(vswitchd) }),
    changed: cells.changed.publish,
  })
  cells.zoneFill.set(fill)
  return stopAll(
    companions.plug({
      name: 'connection limits',
      ensure: async change => {
        limits.update(change)
        const view = cells.bridge.get()
        if (view !== undefined && cells.switch.get()?.state === 'up') await limits.ensure(view.datapathType)
      },
    }),
    cells.switchUp.subscribe(limits.distrust),
    cells.resync.subscribe(limits.distrust),
    fill.stop,
  )
}
