import type { Stop } from '../../shared/run/lifecycle.ts'
import { createAccounting } from '../accounting/accounting.ts'
import type { House } from '../house.ts'

/**
 * Receives the records of connections that the switch exports. It stops before the database connection, so that the switch can
 * still be told to stop exporting.
 */
export async function accounting(house: House): Promise<Stop> {
  const { config, accounts, cells, companions, loop, log, clock } = house
  const records = createAccounting({ config, accounts, log, clock, changed: () => loop.mark('accounting') })
  await records.start()
  const stops = [
    companions.plug({
      name: 'accounting',
      ensure: async () => {
        const [view, client] = [cells.bridge.get(), cells.ovsdb.get()]
        if (view === undefined || client === undefined || cells.tornDown.get()) return
        await records.ensure(client, view.datapathType)
      },
      withdraw: async () => {
        const client = cells.ovsdb.get()
        if (client !== undefined) await records.withdraw(client)
      },
    }),
    cells.switchUp.subscribe(records.distrust),
    cells.resync.subscribe(records.distrust),
  ]
  return async () => {
    for (const stop of stops) stop()
    records.stop()
    const client = cells.ovsdb.get()
    if (client !== undefined && cells.bridgeProblem.get() === undefined) await records.withdraw(client)
  }
}
