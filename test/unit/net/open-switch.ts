import type { ExecutionContext } from 'ava'
import type { Owner } from '../../../shared/flows/cookie.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { openSwitch, type Switch } from '../../../shared/switch/session.ts'
import type { PacketIn } from '../../../shared/switch/types.ts'
import type { OpenVswitch } from '../../segment/open-vswitch.ts'
import { memoryLog } from '../run/memory-log.ts'

/** A session with a real switch, once it is up. */
export function openSwitchOf(
  t: ExecutionContext,
  { bridge, rundir }: Pick<OpenVswitch, 'bridge' | 'rundir'>,
  owner: Owner,
  onPacketIn: (packet: PacketIn) => void = () => {},
): Promise<Switch> {
  return new Promise(resolve => {
    const opened = openSwitch({
      bridge,
      owner,
      rundir,
      log: memoryLog(),
      clock: systemClock,
      handlers: {
        onUp: () => queueMicrotask(() => resolve(opened)),
        onDown: () => {},
        onDrift: () => {},
        onPacketIn,
      },
    })
    t.teardown(() => opened.close())
  })
}
