import type { Stop } from '../../shared/run/lifecycle.ts'
import type { openSwitch } from '../../shared/switch/session.ts'
import type { House } from '../house.ts'

/** The session with the bridge. */
export function switchSession(house: House, open: typeof openSwitch): Stop {
  const { config, cells, applier, settings, log, clock } = house
  const state = cells.inputs.switch
  const session = open({
    bridge: config.bridge,
    owner: 'agent',
    rundir: config.ovsRunDir,
    log,
    clock,
    handlers: {
      isOurs: applier.isOurs,
      onPacketIn: cells.packets.publish,
      onDrift: cells.drift.publish,
      onUp: () => {
        applier.distrust({ retryRefused: true })
        settings.distrust()
        applier.readAhead(session)
        state.set({ session, reason: '' })
      },
      onDown: reason => {
        applier.distrust()
        state.set({ session: undefined, reason })
      },
    },
  })
  return () => session.close()
}
