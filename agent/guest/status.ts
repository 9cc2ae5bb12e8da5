import { CrossportError, type ErrorCode } from '../../shared/errors.ts'
import { familyOf, IPV4 } from '../../shared/net/family.ts'
import type { GuestRecord } from '../store/types.ts'
import type { GuestNic } from './nic.ts'
import type { GuestStatus, GuestTarget, VipStatus } from './types.ts'

/** What is known about one NIC of one guest; replaced, never changed in place. */
export function newStatus({ vmUuid, mac, vips }: GuestTarget): GuestStatus {
  const pending: VipStatus = { state: 'pending' }
  return { vmUuid, mac, vips: new Map(vips.map(vip => [vip, pending])), ownAddresses: [], nicName: undefined }
}

/** The wanted VIPs, each with what was known of it; `forget`: nothing that was known holds any more. */
export function retarget(status: GuestStatus, target: GuestTarget, forget: boolean): GuestStatus {
  const vips = target.vips.map((vip): [string, VipStatus] => {
    const known = status.vips.get(vip)
    return [vip, known === undefined || forget ? { state: 'pending' } : known]
  })
  return { ...status, vips: new Map(vips) }
}

/** `records`: a VIP on its way out is no address of the guest's own. */
export function withNic(status: GuestStatus, nic: GuestNic, records: readonly GuestRecord[]): GuestStatus {
  const vips = new Set(status.vips.keys())
  for (const { vmUuid, vip } of records) if (vmUuid === status.vmUuid) vips.add(vip)
  const ownAddresses = nic.addresses.filter(address => familyOf(address) === IPV4 && !vips.has(address))
  return { ...status, nicName: nic.name, ownAddresses }
}

export function withVip(status: GuestStatus, vip: string, found: VipStatus): GuestStatus {
  // A result may come in for a VIP that is not wanted any more.
  if (!status.vips.has(vip)) return status
  return { ...status, vips: new Map(status.vips).set(vip, found) }
}

/** Comes by itself: nobody has to mend anything yet. */
const PENDING = new Set<ErrorCode>([
  'GUEST_NOT_RUNNING',
  'GUEST_AGENT_NOT_CONNECTED',
  'LIBVIRT_CONNECTION',
  'LIBVIRT_TIMEOUT',
])
/** Nobody could look: what was seen set in this run of the guest still counts, and nothing is known of the rest. */
const BLIND = new Set<ErrorCode>([
  'GUEST_AGENT_UNRESPONSIVE',
  'GUEST_AGENT_ERROR',
  'GUEST_AGENT_FROZEN',
  'GUEST_COMMANDS_BLOCKED',
  'GUEST_NO_CHANNEL',
  'GUEST_REPLY_INVALID',
  'LIBVIRT_CONNECTION',
  'LIBVIRT_PROTOCOL',
  'LIBVIRT_ERROR',
  'LIBVIRT_TIMEOUT',
])

/** The whole guest could not be settled. */
export function withError(status: GuestStatus, error: Error): GuestStatus {
  const code = error instanceof CrossportError ? error.code : 'GUEST_AGENT_ERROR'
  const why = { code, reason: error.message }
  const vips = [...status.vips].map(([vip, was]): [string, VipStatus] => {
    if (was.state === 'set' && BLIND.has(code)) return [vip, { state: 'set', ...why }]
    if (PENDING.has(code)) return [vip, { state: 'pending', ...why }]
    return [vip, { state: BLIND.has(code) ? 'unknown' : 'failed', ...why }]
  })
  return { ...status, vips: new Map(vips) }
}

export function sameStatus(a: GuestStatus | undefined, b: GuestStatus): boolean {
  const plain = (s: GuestStatus) => JSON.stringify([[...s.vips], s.ownAddresses, s.nicName])
  return a !== undefined && plain(a) === plain(b)
}
