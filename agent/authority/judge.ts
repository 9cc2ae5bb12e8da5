import type { ServiceSpec } from '../../shared/config/service.ts'
import { type VmName, vmMatcher } from '../../shared/config/vm-pattern.ts'
import { documentRefusal, type Knowledge, mayGuard } from './documents.ts'
import { networksOf } from './networks.ts'
import type { KnownVm, Policy, Refusal } from './types.ts'

/** What directors may have this host do, by what is known now. Another object: it may come to something else. */
export interface Judge {
  /** @param sorry - the service whose real servers are this one's sorry servers */
  refusal(spec: ServiceSpec, sorry: ServiceSpec | undefined): Refusal | undefined
  guards(vip: string): boolean
  /** Names of the VMs that call the VIP their own address. */
  claimants(vip: string): readonly string[]
}

/** For tests, and for hosts without a director: a director may anything. */
export const ANYTHING: Judge = { refusal: () => undefined, guards: () => true, claimants: () => [] }

/** Whether a VM may serve for directors. */
export function mayServe({ allowedVms }: Pick<Policy, 'allowedVms'>): (vm: VmName) => boolean {
  const matchers = allowedVms.map(vmMatcher)
  return vm => matchers.some(matches => matches(vm))
}

/**
 * @param served - a real server here serves at this VIP already, now
 * @param guarded - this VIP is guarded already, now
 */
export function createJudge(policy: Policy, served: Knowledge['served'], guarded: Knowledge['guarded'] = () => false) {
  const allowed = mayServe(policy)
  let last: { readonly vms: ReadonlyMap<string, KnownVm>; readonly judge: Judge } | undefined

  const make = (vms: ReadonlyMap<string, KnownVm>): Judge => {
    const networks = networksOf(vms.values())
    const serving = [...vms.values()].filter(allowed)
    const namedBy = ({ realServers }: ServiceSpec, sorry: ServiceSpec | undefined) => {
      const matchers = [...realServers, ...(sorry?.realServers ?? [])].map(({ vm }) => vmMatcher(vm))
      return serving.filter(vm => matchers.some(matches => matches(vm)))
    }
    return {
      refusal: (spec, sorry) => {
        const named = (one: ServiceSpec) => namedBy(one, sorry)
        return documentRefusal(spec, policy, { networks, served, guarded, named })
      },
      guards: vip => mayGuard(vip, policy, { networks, served, guarded }),
      claimants: networks.ownersOf,
    }
  }
  /** The same judge while the VMs are the same object. */
  return (vms: ReadonlyMap<string, KnownVm>): Judge => {
    if (last?.vms !== vms) last = { vms, judge: make(vms) }
    return last.judge
  }
}
