import { createJudge, type Judge } from '../authority/judge.ts'
import type { Policy, Refusal, VipClaim } from '../authority/types.ts'
import { askedTargets } from '../guest/asked.ts'
import type { GuestTarget } from '../guest/types.ts'
import type { Inputs } from '../inputs.ts'
import type { PortIndex } from '../real-servers/attach.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { Store } from '../store/store.ts'
import { createVmAddresses, type VmAddresses } from './vm-addresses.ts'

type VmInputs = Pick<Inputs, 'inventory' | 'guests'>

/** What directors may have this host do, by what is known of its VMs, and what is asked to know more. */
export function createAuthority(
  config: Policy & { readonly director: readonly string[] },
  store: Pick<Store, 'allocations' | 'vmAddresses' | 'guardedVips'>,
) {
  const vmAddresses = createVmAddresses(store)
  /** Real servers of each VIP. Before any are known, those that have numbers are taken to be there. */
  const served = new Map<string, Set<string>>()
  let remembered = new Set(store.allocations().map(({ vip }) => vip))
  let guarded: ReadonlySet<string> = new Set(store.guardedVips())
  let noted: readonly unknown[] = []
  const judgeOf = createJudge(
    config,
    vip => served.has(vip) || remembered.has(vip),
    vip => guarded.has(vip),
  )
  /** Without a director, or where the configuration names the VIPs, there is nothing to be learnt. */
  const curious = config.allowedVips === undefined && config.director.length > 0
  let last: { readonly of: readonly unknown[]; readonly targets: readonly GuestTarget[] } = { of: [], targets: [] }

  return {
    judge: ({ inventory, guests }: VmInputs, ports: PortIndex): { judge: Judge; addresses: VmAddresses } => {
      const { vms, addresses } = vmAddresses(inventory.domains, ports, guests)
      return { judge: judgeOf(vms), addresses }
    },
    /**
     * Notes which VIPs are guarded now. One that no service has any more stays noted while a VM calls it its own address: the
     * service may come back. Returns all that are noted, the same set while nothing changes.
     */
    guard: (vips: readonly string[], { claimants }: Judge): ReadonlySet<string> => {
      if (noted[0] === vips && noted[1] === claimants) return guarded
      noted = [vips, claimants]
      const next = new Set([...vips, ...[...guarded].filter(vip => claimants(vip).length > 0)])
      if (next.symmetricDifference(guarded).size > 0) guarded = next
      return guarded
    },
    /** Which real servers there are now. */
    note: ({ gone, come }: { readonly gone: readonly RealServer[]; readonly come: readonly RealServer[] }) => {
      remembered = new Set()
      for (const { vip, key } of gone) {
        const keys = served.get(vip)
        if (keys?.delete(key) && keys.size === 0) served.delete(vip)
      }
      for (const { vip, key } of come) {
        const keys = served.get(vip)
        if (keys === undefined) served.set(vip, new Set([key]))
        else keys.add(key)
      }
    },
    /**
     * VMs that have not told their addresses, those whose addresses may make a document good, and those that call a VIP their own
     * address: they may have taken it back.
     */
    asked: (
      inputs: VmInputs,
      ports: PortIndex,
      refused: readonly Refusal[],
      claims: readonly VipClaim[],
    ): readonly GuestTarget[] => {
      if (!curious) return last.targets
      const { domains } = inputs.inventory
      const { vms } = vmAddresses(domains, ports, inputs.guests)
      const of = [domains, ports, vms, refused, claims]
      if (last.of.every((value, i) => value === of[i]) && last.of.length > 0) return last.targets
      const wanted = new Set(refused.flatMap(({ ask }) => ask))
      const claimants = new Set(claims.map(({ vm }) => vm))
      const asked = domains.filter(({ uuid, name, agentChannel, state }) => {
        if (agentChannel !== 'connected' || state !== 'running') return false
        return wanted.has(uuid) || claimants.has(name) || vms.get(uuid)?.addresses === undefined
      })
      last = { of, targets: askedTargets(asked, ports) }
      return last.targets
    },
  }
}
