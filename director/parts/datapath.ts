import type { Stop } from '../../shared/run/lifecycle.ts'
import { createSequenceChecks } from '../../shared/switch/sequence-checks.ts'
import { createMeters } from '../apply/meters.ts'
import type { House } from '../house.ts'
import { stopAll } from './stop-all.ts'

/** Sets what the flows need from the datapath: no checks of sequence numbers, and meters. */
export function datapath({ cells, vswitchd, companions, log }: House): Stop {
  const checks = createSequenceChecks(vswitchd, 'large uploads may stall')
  const meters = createMeters(log)
  return stopAll(
    companions.plug({
      name: 'sequence checks',
      ensure: async () => {
        const view = cells.bridge.get()
        if (view !== undefined) await checks.off(view.datapathType)
      },
    }),
    companions.plug({
      name: 'meters',
      ensure: async () => {
        const sw = cells.switch.get()
        if (sw === undefined || cells.bridge.get() === undefined || cells.tornDown.get()) return
        await meters.ensure(sw, cells.registry.get().hosts.size)
      },
      withdraw: async () => {
        const sw = cells.switch.get()
        if (sw !== undefined) await meters.withdraw(sw)
      },
    }),
    cells.switchUp.subscribe(() => {
      checks.distrust()
      meters.distrust()
    }),
    cells.resync.subscribe(() => meters.distrust()),
  )
}
