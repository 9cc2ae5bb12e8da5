import type { Stop } from '../../shared/run/lifecycle.ts'
import { createGuestManager } from '../guest/manager.ts'
import type { House } from '../house.ts'
import { createGuestOutlet } from '../outlets/guest.ts'

/** Keeps the VIPs in the guests. */
export function guests({ config, cells, records, outlets, agentCaller, log, clock }: House): Stop {
  const statuses = cells.inputs.guests
  const manager = createGuestManager({
    agentCall: agentCaller.call,
    records,
    log,
    clock,
    onChange: () => tell(),
  })
  const tell = () => statuses.set({ status: manager.status })
  tell()
  const take = createGuestOutlet({ guests: manager, records, probeNetwork: config.probeNetwork })
  const stops = [outlets.plug({ name: 'guests', take }), cells.suspects.subscribe(manager.verify)]
  return async () => {
    for (const stop of stops) stop()
    await manager.close()
  }
}
