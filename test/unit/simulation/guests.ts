import type { GuestManager } from '../../../agent/guest/manager.ts'
import type { GuestStatus, GuestTarget } from '../../../agent/guest/types.ts'
import type { GuestRecords } from '../../../agent/store/types.ts'

/** Slow guests: commands are carried out when `settle` is called. */
export interface ModelGuests extends Pick<GuestManager, 'set' | 'status'> {
  /** Carries out one VM's last command; false when none is pending. */
  settle(pick: (count: number) => number): boolean
  /** VIPs that VMs hold, as `mac vip`. */
  readonly held: ReadonlySet<string>
}

/** `held` outlives the agent, as addresses in VMs do. */
export function createModelGuests(records: GuestRecords, onChange: () => void, held: Set<string>): ModelGuests {
  let targets: readonly GuestTarget[] = []
  const done = new Map<string, GuestTarget>()
  const statuses = new Map<string, GuestStatus>()
  const name = (target: GuestTarget) => `${target.vmUuid}/${target.mac}`
  const open = () => targets.filter(target => target.running && done.get(name(target)) !== target)

  const settleOne = (target: GuestTarget) => {
    const { vmUuid, mac, vips } = target
    for (const record of records.list()) {
      if (record.vmUuid !== vmUuid || record.mac !== mac || vips.includes(record.vip)) continue
      held.delete(`${mac} ${record.vip}`)
      records.remove(vmUuid, mac, record.vip)
    }
    for (const vip of vips) {
      if (!records.list().some(record => record.vmUuid === vmUuid && record.mac === mac && record.vip === vip))
        records.put({ vmUuid, mac, vip, nicName: 'eth0', addressAdded: true, edits: [] })
      held.add(`${mac} ${vip}`)
    }
    done.set(name(target), target)
    statuses.set(name(target), {
      vmUuid,
      mac,
      vips: new Map(vips.map(vip => [vip, { state: 'set' }])),
      ownAddresses: [`192.0.2.${Number.parseInt(mac.slice(-2), 16)}`],
      nicName: 'eth0',
    })
    onChange()
  }

  return {
    set: next => {
      targets = next
      const wanted = new Set(next.map(name))
      for (const known of statuses.keys()) if (!wanted.has(known)) statuses.delete(known)
    },
    status: (vmUuid, mac) => statuses.get(`${vmUuid}/${mac}`),
    settle: pick => {
      const waiting = open()
      if (waiting.length === 0) return false
      settleOne(waiting[pick(waiting.length)]!)
      return true
    },
    held,
  }
}
