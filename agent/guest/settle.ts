import { CrossportError, type ErrorCode } from '../../shared/errors.ts'
import { readCommands } from './commands.ts'
import { guestFiles } from './files.ts'
import { type GuestNic, listNic, readNic } from './nic.ts'
import { createLook } from './owners/look.ts'
import type { Look, Owned, Owner } from './owners/types.ts'
import { systemOf } from './systems/all.ts'
import type { GuestSystem } from './systems/types.ts'
import type { GuestTarget, VipStatus } from './types.ts'
import { hold, type InGuest, noPersistence, release } from './vip.ts'

export interface SettleOptions extends Omit<InGuest, 'files' | 'system'> {
  /** Sets the routes of the NIC. Never rejects. */
  route(system: GuestSystem, target: GuestTarget, nic: GuestNic): Promise<void>
  /** Finds the manager that owns the look's NIC, among these. */
  owner(look: Look, owners: readonly Owner[]): Promise<Owned | undefined>
  /** Called as soon as the NIC's addresses are known. */
  onNic(mac: string, nic: GuestNic): void
  onVip(mac: string, vip: string, status: VipStatus): void
}

/**
 * Makes one guest equal to its targets. In this order nothing can be lost or left behind:
 * 1. Run guest-sync, read which commands are allowed, and find the NIC by its hardware address.
 * 2. Remove what is no longer wanted: edits, address, record.
 * 3. Find the manager that owns the NIC. Add what is wanted: record (the intent), edits, address. Each is read first, because the last
 * attempt may have ended at any step, and a command that timed out may still have run.
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
  const guest = { ...options, files: guestFiles(qga, commands), system: await systemOf(qga, commands) }
  const failures: CrossportError[] = []
  for (const target of targets) {
    try {
      await settleNic(target, guest, failures)
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
  guest: SettleOptions & InGuest,
  failures: CrossportError[],
): Promise<void> {
  const { qga, system, records, log } = guest
  const { vmUuid, mac, vips } = target
  const nic = await readNic(qga, mac, system)
  guest.onNic(mac, nic)
  await guest.route(system, target, nic)

  const each = async (vip: string, work: () => Promise<VipStatus | undefined>): Promise<VipStatus | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!isOneVips(error)) throw error
      failures.push(error)
      guest.onVip(mac, vip, failed(error))
      return undefined
    }
  }

  const gone = records.list().filter(r => r.vmUuid === vmUuid && r.mac === mac && !vips.includes(r.vip))
  for (const record of gone) await each(record.vip, () => release(record, nic, guest))
  if (vips.length === 0) return

  const owned = await ownerOf(nic.name, guest)
  const done = new Map<string, VipStatus>()
  for (const vip of vips) {
    const status = await each(vip, () => hold(target, vip, nic, owned, guest))
    if (status !== undefined) done.set(vip, status)
  }
  if (done.size === 0) return

  const after = { ...(await listNic(qga, mac, system)), kernel: nic.kernel }
  guest.onNic(mac, after)
  for (const [vip, status] of done) {
    await each(vip, async () => {
      if (!after.addresses.includes(vip) && !after.loopback.includes(vip))
        throw new CrossportError('GUEST_COMMAND_FAILED', `${vip} was added to ${after.name} and is not there`)
      guest.onVip(mac, vip, status)
      return status
    })
  }
  log.debug('guest verified', { vm: target.vmName, nic: after.name, vips: vips.join(' ') })
}

async function ownerOf(
  nic: string,
  { qga, files, system, owner }: SettleOptions & InGuest,
): Promise<Owned | CrossportError> {
  const look = createLook(qga, files, nic, system.environment)
  const found = await owner(look, system.owners)
  if (found !== undefined) return found
  const refused = look.refused()
  return noPersistence(
    refused ??
      `no network manager that we know owns ${nic} in the guest; looked for ${system.owners.map(owner => owner.name).join(', ')}`,
  )
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
