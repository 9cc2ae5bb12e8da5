import type { Stop } from '../../shared/run/lifecycle.ts'
import { openSwitch } from '../../shared/switch/session.ts'
import type { SwitchHandlers } from '../../shared/switch/types.ts'
import { setInput } from '../cells.ts'
import type { House } from '../house.ts'

/** The session with the bridge. */
export function bridgeSwitch(house: House): Stop {
  const { config, cells, log, clock } = house
  const { bridge, ovsRunDir: rundir } = config
  const sw = openSwitch({ bridge, owner: 'director', rundir, log, clock, handlers: switchHandlers(house) })
  cells.switch.set(sw)
  return () => sw.close()
}

export function switchHandlers({ applier, cells, clock, loop }: House): SwitchHandlers {
  return {
    isOurs: applier.isOurs,
    onPacketIn: cells.packets.publish,
    onUp: () => {
      applier.distrust({ retryRefused: true })
      cells.switchUp.publish()
      setInput(cells.inputStates.switch, clock, 'in sync', 'connected')
      loop.mark('switch')
    },
    onDown: reason => {
      applier.distrust()
      setInput(cells.inputStates.switch, clock, 'away', reason)
    },
    onDrift: what => {
      applier.distrust()
      cells.drift.publish(what)
    },
  }
}
