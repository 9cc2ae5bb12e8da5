import type { Backend } from '../backends/types.ts'
import { checkTransport, type Probe } from '../compile/probes.ts'
import type { GuestStatus } from '../guest/types.ts'
import { flowsOf } from '../report/reports.ts'
import type { CheckTarget } from './types.ts'

export interface CheckTargetInput {
  /** The switch has confirmed this object of the compiler. */
  confirmed(object: string): boolean
  /** It has confirmed everything: nothing has to be asked one by one. */
  readonly allConfirmed: boolean
  guest(vmUuid: string, mac: string): GuestStatus | undefined
  wasReady(backend: Backend): boolean
  /** Why nothing can be sent from this host now. */
  readonly portObstacle: string | undefined
}

interface Known {
  readonly backend: Backend
  readonly probe: Probe | undefined
  readonly target: CheckTarget
}

/** Says which real servers are checked now, and how. What has not changed is the same object again. */
export function createCheckTargets() {
  let known = new Map<string, Known>()
  return (
    checked: readonly Backend[],
    probes: ReadonlyMap<string, Probe>,
    input: CheckTargetInput,
  ): readonly CheckTarget[] => {
    const next = new Map<string, Known>()
    for (const backend of checked) {
      const probe = probes.get(backend.key)
      const before = known.get(backend.key)
      const blocked = obstacle(backend, probe, input)
      const same = before?.backend === backend && before.probe === probe && before.target.obstacle === blocked
      const target = same ? before.target : toTarget(backend, probe, blocked, input.wasReady(backend))
      next.set(backend.key, { backend, probe, target })
    }
    known = next
    return Array.from(next.values(), ({ target }) => target)
  }
}

function toTarget(backend: Backend, probe: Probe | undefined, obstacle: string | undefined, presumedUp: boolean) {
  const { key, service, vip, vm, rsPort } = backend
  const check = backend.check!
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

function obstacle(backend: Backend, probe: Probe | undefined, input: CheckTargetInput): string | undefined {
  const { vm, vip, attachment: at, check } = backend
  const flows = input.allConfirmed || flowsOf(backend).every(input.confirmed)
  const set = at !== undefined && input.guest(vm.uuid, at.mac)?.vips.get(vip)?.state === 'set'
  if (!flows || !(set || input.wasReady(backend))) return 'its flows and its VIP are not confirmed yet'
  if (check?.type === 'exec') return undefined
  if (input.portObstacle !== undefined) return input.portObstacle
  if (probe === undefined) return 'probeNetwork in agent.yaml has too few addresses for the real servers of this host'
  if (input.allConfirmed || input.confirmed(probe.object)) return undefined
  return 'the switch has not confirmed the flows of the check yet'
}
