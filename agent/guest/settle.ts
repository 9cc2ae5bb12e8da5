import { CrossportError, type ErrorCode } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { GuestRecord, GuestRecords } from '../store/types.ts'
import { readCommands } from './commands.ts'
import { type GuestFiles, guestFiles } from './files.ts'
import { addAddress, isSource, removeAddress, restrictAddress } from './ip.ts'
import { type GuestNic, listNic, readNic } from './nic.ts'
import { ownerOf } from './ownership.ts'
import { findPlace, findWriter, noPersistence, type Place, removeFile, writeFile } from './persist.ts'
import type { Qga } from './qga.ts'
import type { GuestTarget, VipStatus } from './types.ts'
import type { PersistWriter } from './writers/types.ts'

export interface SettleOptions {
  readonly qga: Qga
  readonly records: GuestRecords
  readonly log: Log
  /** Sets the routes of the NIC. Never rejects. */
  route(target: GuestTarget, nic: GuestNic): Promise<void>
  /** Whether the VIP is still wanted: the targets, and with them the shields, may have changed since this pass began. */
  wanted(mac: string, vip: string): boolean
  /** Called as soon as the NIC's addresses are known. */
  onNic(mac: string, nic: GuestNic): void
  onVip(mac: string, vip: string, status: VipStatus): void
}

/**
 * Makes one guest equal to its targets. In this order nothing can be lost or left behind:
 * 1. Run guest-sync, read which commands are allowed, and find the NIC by its hardware address.
 * 2. Remove what is no longer wanted: file, address, record.
 * 3. Add what is wanted: record (the intent), file, address. Each is read first, because the last attempt may have ended at any
 * step, and a command that timed out may still have run.
 * 4. Read the addresses again: only an address that the guest itself shows counts as set.
 * Throws the failure that concerns the whole guest. Returns the first failure of a single VIP or NIC, which `onVip` has already
 * reported.
 */
export async function settleGuest(
  targets: readonly GuestTarget[],
  options: SettleOptions,
): Promise<CrossportError | undefined> {
  const { qga } = options
  await qga.sync()
  const commands = await readCommands(qga)
  const files = guestFiles(qga, commands)
  const failures: CrossportError[] = []
  for (const target of targets) {
    try {
      await settleNic(target, files, options, failures)
    } catch (error) {
      if (!isOneNics(error)) throw error
      for (const vip of target.vips) options.onVip(target.mac, vip, failed(error))
      failures.push(error)
    }
  }
  return failures[0]
}

async function settleNic(
  target: GuestTarget,
  files: GuestFiles,
  options: SettleOptions,
  failures: CrossportError[],
): Promise<void> {
  const { qga, records, log } = options
  const { vmUuid, mac, vips } = target
  const nic = await readNic(qga, mac)
  options.onNic(mac, nic)
  await options.route(target, nic)
  const mine = () => records.list().filter(record => record.vmUuid === vmUuid && record.mac === mac)

  const each = async (vip: string, work: () => Promise<VipStatus | undefined>): Promise<VipStatus | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!isOneVips(error)) throw error
      failures.push(error)
      options.onVip(mac, vip, failed(error))
      return undefined
    }
  }

  for (const record of mine().filter(record => !vips.includes(record.vip)))
    await each(record.vip, () => release(record, nic, files, options))

  const writer = await chooseWriter(files, nic.name, vips)
  const done = new Map<string, VipStatus>()
  for (const vip of vips) {
    const record = mine().find(record => record.vip === vip)
    const status = await each(vip, () => hold(target, vip, nic, record, writer, files, options))
    if (status !== undefined) done.set(vip, status)
  }
  if (done.size === 0) return

  const after = { ...(await listNic(qga, mac)), kernel: nic.kernel }
  options.onNic(mac, after)
  for (const [vip, status] of done) {
    await each(vip, async () => {
      if (!after.addresses.includes(vip) && !after.loopback.includes(vip))
        throw new CrossportError('GUEST_COMMAND_FAILED', `${vip} was added to ${after.name} and is not there`)
      options.onVip(mac, vip, status)
      return status
    })
  }
  log.debug('guest verified', { vm: target.vmName, nic: after.name, vips: vips.join(' ') })
}

/** Removes what we added, and nothing else. */
async function release(
  record: GuestRecord,
  nic: GuestNic,
  files: GuestFiles,
  { qga, records, log }: SettleOptions,
): Promise<undefined> {
  const { vmUuid, mac, vip, file } = record
  if (file !== undefined && !(await removeFile(files, file, vip))) {
    const message = `${file} was edited by somebody else and is left in the guest`
    log.warn(message, { vmUuid, vip, err: new CrossportError('GUEST_FILE_FOREIGN', message) })
  }
  if (record.addressAdded && nic.addresses.includes(vip)) await removeAddress(qga, vip, nic.name)
  // The record goes last, because the VM's VIP is shielded as long as there is a record.
  records.remove(vmUuid, mac, vip)
  log.info(`VIP ${vip} removed from the guest`, { vmUuid, nic: nic.name })
}

async function hold(
  target: GuestTarget,
  vip: string,
  nic: GuestNic,
  record: GuestRecord | undefined,
  writer: PersistWriter | CrossportError,
  files: GuestFiles,
  { qga, records, log, wanted }: SettleOptions,
): Promise<VipStatus | undefined> {
  const { vmUuid, mac, vmName } = target
  const moved = record !== undefined && record.nicName !== nic.name
  // The NIC has another name than when its file was written, so the file is useless or belongs to another NIC.
  if (moved && record.file !== undefined) await removeFile(files, record.file, vip)
  const recorded = moved ? undefined : record?.file

  const place = await choosePlace(files, writer, nic.name, vip, recorded)
  // No await between this check and the record: a recorded VIP is shielded, and a VIP without a shield gets no address.
  if (!wanted(mac, vip)) return undefined
  const present = nic.addresses.includes(vip) || nic.loopback.includes(vip)
  const ours = record?.addressAdded === true || (isPlace(place) && ownerOf(place.current, vip) === 'ours')
  if (present && !ours) {
    put(records, record, { vmUuid, mac, vip, nicName: nic.name, addressAdded: false, file: undefined })
    return { state: 'set', reason: 'the address was there before and is left to its owner' }
  }

  const file = isPlace(place) ? place.path : recorded
  put(records, record, { vmUuid, mac, vip, nicName: nic.name, addressAdded: true, file })
  const warning = isPlace(place) ? await writeFile(files, place).then(() => undefined, asWarning) : place
  if (!present) {
    await addAddress(qga, vip, nic.name)
    log.info(`VIP ${vip} set in the guest`, {
      vm: vmName,
      vmUuid,
      nic: nic.name,
      ...(file === undefined ? {} : { file }),
    })
  } else if (nic.kernel.some(found => found.address === vip && isSource(found))) {
    await restrictAddress(qga, vip, nic.name)
    log.info(`VIP ${vip} is no source address of the guest any more`, { vm: vmName, vmUuid, nic: nic.name })
  }
  return warning === undefined ? { state: 'set' } : { state: 'set', code: warning.code, reason: warning.message }
}

function put(records: GuestRecords, old: GuestRecord | undefined, record: GuestRecord): void {
  if (JSON.stringify(old) !== JSON.stringify(record)) records.put(record)
}

/**
 * Chooses a writer for the guest. A guest that cannot keep the address over a reboot still gets it; the reason comes back as a
 * warning.
 */
async function chooseWriter(
  files: GuestFiles,
  nic: string,
  vips: readonly string[],
): Promise<PersistWriter | CrossportError> {
  if (vips.length === 0) return noPersistence('nothing is wanted')
  return findWriter(files, nic).catch(asWarning)
}

async function choosePlace(
  files: GuestFiles,
  writer: PersistWriter | CrossportError,
  nic: string,
  vip: string,
  recorded: string | undefined,
): Promise<Place | CrossportError> {
  if (writer instanceof CrossportError) return writer
  return findPlace(files, writer, nic, vip, recorded).catch(asWarning)
}

function asWarning(error: unknown): CrossportError {
  if (!(error instanceof CrossportError)) throw error
  if (error.code === 'GUEST_NO_PERSISTENCE' || error.code === 'GUEST_FILE_FOREIGN') return error
  if (error.code === 'GUEST_COMMAND_FAILED') return noPersistence(error.message, error)
  throw error
}

function isPlace(value: Place | CrossportError): value is Place {
  return !(value instanceof CrossportError)
}

function isOneNics(error: unknown): error is CrossportError {
  return error instanceof CrossportError && error.code === 'GUEST_NIC_NOT_FOUND'
}

/**
 * The guest's answer to one command: the next VIP may fare better. So it is with a record that cannot be written: VIPs that
 * have theirs need no other.
 */
const ONE_VIPS: ReadonlySet<string> = new Set<ErrorCode>(['GUEST_COMMAND_FAILED', 'GUEST_AGENT_ERROR', 'STORE_FAILED'])

function isOneVips(error: unknown): error is CrossportError {
  return error instanceof CrossportError && ONE_VIPS.has(error.code)
}

function failed(error: CrossportError): VipStatus {
  return { state: 'failed', code: error.code, reason: error.message }
}
