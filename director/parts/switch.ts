import type { Part } from '../../shared/run/lifecycle.ts'
import { createDriftGuard } from '../../shared/switch/drift-guard.ts'
import { openSwitch } from '../../shared/switch/session.ts'
import type { SwitchHandlers } from '../../shared/switch/types.ts'
import { setInput } from '../cells.ts'
import type { House } from '../house.ts'

/** The session with the bridge. */
export function bridgeSwitch(house: House): Part {
  const { config, cells, log, clock } = house
  return {
    name: 'switch',
    start: () => {
      const { bridge, ovsRunDir: rundir } = config
      const sw = openSwitch({ bridge, owner: 'director', rundir, log, clock, handlers: switchHandlers(house) })
      cells.switch.set(sw)
      return () => sw.close()
    },
  }
}

export function switchHandlers({ applier, cells, clock, loop }: House): SwitchHandlers {
  return {
    isOurs: applier.isOurs,
    onPacketIn: cells.packets.publish,
    onUp: () => {
      applier.distrust({ retryRefused: true })
      cells.switchUp.publish()
      setInput(cells.inputs.switch, clock, 'in sync', 'connected')
      loop.mark('switch')
    },
    onDown: reason => {
      applier.distrust()
      setInput(cells.inputs.switch, clock, 'away', reason)
    },
    onDrift: what => {
      applier.distrust()
      cells.drift.publish(what)
    },
  }
}

/** Puts right what somebody else has changed in the switch. */
export function drift({ cells, loop, log, clock }: House): Part {
  return {
    name: 'drift',
    start: () => {
      const guard = createDriftGuard({ clock, log, repair: () => loop.mark('drift') })
      const stopListening = cells.drift.subscribe(guard.heard)
      return () => {
        stopListening()
        guard.close()
      }
    },
  }
}
