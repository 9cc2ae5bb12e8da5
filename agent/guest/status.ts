import { CrossportError, type ErrorCode } from '../../shared/errors.ts'
import { familyOf, IPV4 } from '../../shared/net/family.ts'
import type { GuestRecord } from '../store/types.ts'
import type { GuestNic } from './nic.ts'
import type { GuestStatus, GuestTarget, VipStatus } from './types.ts'

/** The initial status of one guest's NIC. A status is replaced, never changed in place. */
export function newStatus({ vmUuid, mac, vips }: GuestTarget): GuestStatus {
  const pending: VipStatus = { state: 'pending' }
  return { vmUuid, mac, vips: new Map(vips.map(vip => [vip, pending])), ownAddresses: [], nicName: undefined }
}

/** The status for new targets, with what was known of each VIP; `forget`: nothing that was known is valid any more. */
export function retarget(status: GuestStatus, target: GuestTarget, forget: boolean): GuestStatus {
  const vips = target.vips.map((vip): [string, VipStatus] => {
    const known = status.vips.get(vip)
    return [vip, known === undefined || forget ? { state: 'pending' } : known]
  })
  return { ...status, vips: new Map(vips) }
}

/**
 * `records`: VIPs that are being removed are not the guest's own addresses. No more is an address of scope host, which may be a VIP
 * that no record tells of any more: the guest lists such addresses first.
 */
export function withNic(status: GuestStatus, nic: GuestNic, records: readonly GuestRecord[]): GuestStatus {
  const vips = new Set(status.vips.keys())
  for (const { vmUuid, vip } of records) if (vmUuid === status.vmUuid) vips.add(vip)
  for (const { address, scope } of nic.kernel) if (scope === 'host') vips.add(address)
  const ownAddresses = nic.addresses.filter(address => familyOf(address) === IPV4 && !vips.has(address))
  const addresses = ownAddresses.flatMap(address => {
    const length = nic.lengths.get(address)
    return length === undefined ? [] : `${address}/${length}`
  })
  return { ...status, nicName: nic.name, ownAddresses, addresses }
}

export function withVip(status: GuestStatus, vip: string, found: VipStatus): GuestStatus {
  // A result may arrive for a VIP that is no longer wanted.
  if (!status.vips.has(vip)) return status
  return { ...status, vips: new Map(status.vips).set(vip, found) }
}

/** Errors that pass without an operator. */
const PENDING = new Set<ErrorCode>([
  'GUEST_NOT_RUNNING',
  'GUEST_AGENT_NOT_CONNECTED',
  'LIBVIRT_CONNECTION',
  'LIBVIRT_TIMEOUT',
])
/** Errors that hide the guest: a VIP that was seen set in this run still counts as set, and the rest is unknown. */
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

/** The status after a failure of the whole guest. */
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
  const plain = (s: GuestStatus) => JSON.stringify([[...s.vips], s.ownAddresses, s.nicName, s.addresses])
  return a !== undefined && plain(a) === plain(b)
}
