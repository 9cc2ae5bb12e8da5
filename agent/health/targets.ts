import { flowsOf } from '../compile/objects.ts'
import { checkTransport, type Probe } from '../compile/probes.ts'
import type { GuestStatus } from '../guest/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { CheckTarget } from './types.ts'

export interface CheckTargetInput {
  /** Whether the switch has confirmed this compiled object. */
  confirmed(object: string): boolean
  /** True when the switch has confirmed every object, so that `confirmed` need not be called. */
  readonly allConfirmed: boolean
  guest(vmUuid: string, mac: string): GuestStatus | undefined
  wasReady(realServer: RealServer): boolean
  /** Why no probe can be sent from this host now. */
  readonly portObstacle: string | undefined
}

interface Known {
  readonly realServer: RealServer
  readonly probe: Probe | undefined
  readonly target: CheckTarget
}

/** Calculates which real servers are checked now, and how. An unchanged target stays the same object. */
export function createCheckTargets() {
  let known = new Map<string, Known>()
  return (
    checked: readonly RealServer[],
    probes: ReadonlyMap<string, Probe>,
    input: CheckTargetInput,
  ): readonly CheckTarget[] => {
    const next = new Map<string, Known>()
    for (const realServer of checked) {
      const probe = probes.get(realServer.key)
      const before = known.get(realServer.key)
      const blocked = obstacle(realServer, probe, input)
      const same = before?.realServer === realServer && before.probe === probe && before.target.obstacle === blocked
      const target = same ? before.target : toTarget(realServer, probe, blocked, input.wasReady(realServer))
      next.set(realServer.key, { realServer, probe, target })
    }
    known = next
    return Array.from(next.values(), ({ target }) => target)
  }
}

function toTarget(realServer: RealServer, probe: Probe | undefined, obstacle: string | undefined, presumedUp: boolean) {
  const { key, service, vip, vm, rsPort } = realServer
  const check = realServer.check!
  return {
    key,
    service,
    vm: vm.name,
    vmUuid: vm.uuid,
    runId: vm.runId,
    vip,
    port: checkTransport(check, rsPort)?.port ?? rsPort,
    check,
    address: probe?.address,
    obstacle,
    presumedUp,
  }
}

function obstacle(realServer: RealServer, probe: Probe | undefined, input: CheckTargetInput): string | undefined {
  const { vm, vip, attachment: at, check } = realServer
  const flows = input.allConfirmed || flowsOf(realServer).every(input.confirmed)
  const state = at && input.guest(vm.uuid, at.mac)?.vips.get(vip)?.state
  // Where the guest cannot be asked, the check itself tells whether the guest holds the VIP.
  const may = state === 'set' || state === 'unknown' || input.wasReady(realServer)
  if (!flows || !may) return 'its flows and its VIP are not confirmed yet'
  if (check?.type === 'exec') return undefined
  if (input.portObstacle !== undefined) return input.portObstacle
  if (probe === undefined) return 'probeNetwork in agent.yaml has too few addresses for the real servers of this host'
  if (input.allConfirmed || input.confirmed(probe.object)) return undefined
  return 'the switch has not confirmed the flows of the check yet'
}
