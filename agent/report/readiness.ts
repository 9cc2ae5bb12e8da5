import type { GuestStatus } from '../guest/types.ts'
import type { Health } from '../health/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { ReportedRealServer } from './types.ts'

export interface ReadinessInput {
  readonly realServer: RealServer
  /** The switch has confirmed the real server's flows and its VIP's shield. */
  readonly flowsConfirmed: boolean
  readonly flowsReason: string | undefined
  readonly guest: GuestStatus | undefined
  /** Undefined: it is not checked. */
  readonly health: Health | undefined
  /** It was ready earlier in this very run of the VM: an agent that has just started takes that for true until it knows better. */
  readonly wasReady: boolean
}

type Readiness = Pick<ReportedRealServer, 'state' | 'reason' | 'panic'>

/** What the director hears of one real server: `ready` only when flows, VIP and, where it is checked, its health are known. */
export function readiness(input: ReadinessInput): Readiness {
  const { realServer, guest } = input
  if (realServer.obstacle !== undefined) return { state: 'down', reason: realServer.obstacle }
  if (!input.flowsConfirmed) {
    return { state: 'pending', reason: input.flowsReason ?? 'the switch has not confirmed the flows yet' }
  }
  const vip = guest?.vips.get(realServer.vip)
  if (vip?.state === 'failed' || (vip?.state === 'unknown' && !answers(input)))
    return { state: 'down', reason: vip.reason ?? 'the VIP could not be set in the VM' }
  if (vip?.state !== 'set' && vip?.state !== 'unknown' && !input.wasReady) {
    return { state: 'pending', reason: vip?.reason ?? 'the VIP is being set in the VM' }
  }
  const { health } = input
  if (health?.verdict === 'down') {
    const { panic = 0 } = realServer.check ?? {}
    return { state: 'down', reason: health.reason, ...(panic > 0 ? { panic } : {}) }
  }
  if (health?.verdict === 'unknown') return { state: 'pending', reason: health.reason }
  // A VIP that is set may still carry a warning, e.g. that it will not survive a reboot.
  return { state: realServer.weight === 0 ? 'draining' : 'ready', reason: vip?.reason ?? health?.reason ?? '' }
}

/** A VM whose guest nobody can look into may well hold its VIP: it did when it was ready, and a check at the VIP shows it. */
function answers({ realServer, health, wasReady }: ReadinessInput): boolean {
  return wasReady || (health?.verdict === 'up' && realServer.check?.type !== 'exec')
}

export function toReport(realServer: RealServer, state: Readiness): ReportedRealServer {
  const { key, service, vip, protocol, vipPort, ingressPort, rsPort, vm, weight, scheduler } = realServer
  return {
    id: key,
    service,
    vip,
    protocol,
    vipPort,
    ingressPort,
    rsPort,
    vm: vm.name,
    vmUuid: vm.uuid,
    weight,
    scheduler,
    ...state,
  }
}
