import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createSessionSteps } from '../../shared/switch/session-steps.ts'
import { appctl } from '../../shared/switch/vswitchd.ts'

/** A director's address to which frames leave through the bridge's own forwarding (`NORMAL`). */
export interface Taught {
  readonly mac: string
  /** 0: untagged. */
  readonly vlan: number
}

/**
 * Teaches the bridge where R is. Where the uplink is a bond, or strips a tag, the bridge itself forwards the signals of this host
 * to a director. No frame from R passes NORMAL, so the bridge would never learn R and would flood the signals to all VMs. A
 * static entry (ovs-vswitchd(8), fdb/add) prevents this; vswitchd keeps it until it ends.
 */
export interface BridgeTeacher {
  /** `port`: an interface of the uplink. An address that has been taught already is not taught again. */
  ensure(port: string, addresses: readonly Taught[]): Promise<void>
  distrust(): void
}

export interface BridgeTeacherOptions {
  readonly rundir: string
  readonly bridge: string
  readonly log: Log
  readonly clock: Clock
}

export function createBridgeTeacher(options: BridgeTeacherOptions): BridgeTeacher {
  const { bridge, log } = options
  const steps = createSessionSteps(log)
  const failure = 'the signals of this host to its director are flooded to the ports of the bridge'
  return {
    ensure: async (port, addresses) => {
      for (const { mac, vlan } of addresses) {
        const add = () => appctl(options, 'fdb/add', [bridge, port, String(vlan), mac])
        await steps.once(`${port} ${vlan} ${mac}`, add, failure, { bridge, port, mac })
      }
    },
    distrust: steps.distrust,
  }
}
