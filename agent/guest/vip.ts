import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { GuestEdit, GuestRecord, GuestRecords } from '../store/types.ts'
import type { GuestFiles } from './files.ts'
import { isSource } from './ip.ts'
import type { GuestNic } from './nic.ts'
import type { Owned } from './owners/types.ts'
import { carryOut, type Plan, planEdits } from './plan.ts'
import type { Qga } from './qga.ts'
import type { GuestSystem } from './systems/types.ts'
import type { GuestTarget, VipStatus } from './types.ts'
import { undoEdits } from './undo.ts'

/** One guest, while it is looked at. */
export interface InGuest {
  readonly qga: Qga
  readonly files: GuestFiles
  readonly system: GuestSystem
  readonly records: GuestRecords
  readonly log: Log
  /** Whether the VIP is still wanted: the targets, and with them the shields, may have changed since this pass began. */
  wanted(mac: string, vip: string): boolean
}

/** Removes what we added for a VIP, and nothing else: what the guest's owner has edited since is left, and named. */
export async function release(record: GuestRecord, nic: GuestNic, guest: InGuest): Promise<undefined> {
  const { vmUuid, mac, vip } = record
  const { qga, system, records, log } = guest
  await undo(record, record.edits, guest)
  if (record.addressAdded && nic.addresses.includes(vip)) await system.removeAddress(qga, vip, nic.name)
  // The record goes last, because the VM's VIP is shielded as long as there is a record.
  records.remove(vmUuid, mac, vip)
  log.info(`VIP ${vip} removed from the guest`, { vmUuid, nic: nic.name })
}

/**
 * Sets a VIP, and makes the NIC's owner keep it. Returns undefined when the VIP is no longer wanted. Throws what concerns this VIP or
 * the whole guest.
 *
 * @param owned - or why there is none that would keep the VIP
 */
export async function hold(
  target: GuestTarget,
  vip: string,
  nic: GuestNic,
  owned: Owned | CrossportError,
  guest: InGuest,
): Promise<VipStatus | undefined> {
  const { vmUuid, mac, vmName } = target
  const { qga, system, files, records, log, wanted } = guest
  const mine = records.list().filter(record => record.vmUuid === vmUuid)
  const record = mine.find(record => record.mac === mac && record.vip === vip)
  // The NIC has another name than when its files were written, so they are useless or belong to another NIC.
  const moved = record !== undefined && record.nicName !== nic.name
  const recorded = moved ? [] : (record?.edits ?? [])

  const plan = await choosePlan(files, owned, vip, recorded, foldersOf(mine))
  // No await between this check and the record: a recorded VIP is shielded, and a VIP without a shield gets no address.
  if (!wanted(mac, vip)) return undefined
  const present = nic.addresses.includes(vip) || nic.loopback.includes(vip)
  const ours = record?.addressAdded === true || (isPlan(plan) && plan.ours)
  if (present && !ours) {
    put(records, record, { vmUuid, mac, vip, nicName: nic.name, addressAdded: false, edits: [] })
    return { state: 'set', reason: 'the address was there before and is left to its owner' }
  }

  const edits = isPlan(plan) ? plan.edits : recorded
  // What an earlier owner of the NIC kept it by, or the same at another path.
  const stale = (record?.edits ?? []).filter(old => !edits.some(edit => edit.path === old.path))
  const entry = { vmUuid, mac, vip, nicName: nic.name, addressAdded: true }
  const kept = put(records, record, { ...entry, edits: [...stale, ...edits] })
  if (stale.length > 0) {
    await undo(kept, stale, guest)
    put(records, kept, { ...entry, edits })
  }
  const warning = isPlan(plan) ? await carryOut(files, plan).then(() => undefined, asWarning) : plan
  if (!present) {
    await system.addAddress(qga, vip, nic.name)
    const file = edits.map(({ path }) => path).join(' ')
    log.info(`VIP ${vip} set in the guest`, { vm: vmName, vmUuid, nic: nic.name, ...(file === '' ? {} : { file }) })
  } else if (nic.kernel.some(found => found.address === vip && isSource(found))) {
    await system.restrictAddress(qga, vip, nic.name)
    log.info(`VIP ${vip} is no source address of the guest any more`, { vm: vmName, vmUuid, nic: nic.name })
  }
  return warning === undefined ? { state: 'set' } : { state: 'set', code: warning.code, reason: warning.message }
}

async function undo({ vmUuid, vip }: GuestRecord, edits: readonly GuestEdit[], { files, log }: InGuest): Promise<void> {
  for (const path of await undoEdits(files, edits, vip)) {
    const message = `${path} was edited by somebody else and is left in the guest`
    log.warn(message, { vmUuid, vip, err: new CrossportError('GUEST_FILE_FOREIGN', message) })
  }
}

/** Folders that were made in this VM, for whichever VIP: the last that needs one removes it. */
function foldersOf(records: readonly GuestRecord[]): ReadonlySet<string> {
  return new Set(records.flatMap(({ edits }) => edits.flatMap(edit => (edit.kind === 'file' ? edit.folders : []))))
}

function put(records: GuestRecords, old: GuestRecord | undefined, record: GuestRecord): GuestRecord {
  if (JSON.stringify(old) !== JSON.stringify(record)) records.put(record)
  return record
}

/** A guest that cannot keep the address over a reboot still gets it; the reason comes back as a warning. */
async function choosePlan(
  files: GuestFiles,
  owned: Owned | CrossportError,
  vip: string,
  recorded: readonly GuestEdit[],
  made: ReadonlySet<string>,
): Promise<Plan | CrossportError> {
  if (owned instanceof CrossportError) return owned
  const ways = owned.edits(vip)
  if (typeof ways === 'string') return noPersistence(ways)
  return planEdits(files, ways, vip, recorded, made).catch(asWarning)
}

export function noPersistence(reason: string, cause?: unknown): CrossportError {
  const text = `address set, will not survive a reboot because ${reason}`
  return new CrossportError('GUEST_NO_PERSISTENCE', text, cause === undefined ? {} : { cause })
}

function asWarning(error: unknown): CrossportError {
  if (!(error instanceof CrossportError)) throw error
  if (error.code === 'GUEST_NO_PERSISTENCE' || error.code === 'GUEST_FILE_FOREIGN') return error
  if (error.code === 'GUEST_COMMAND_FAILED') return noPersistence(error.message, error)
  throw error
}

function isPlan(value: Plan | CrossportError): value is Plan {
  return !(value instanceof CrossportError)
}
