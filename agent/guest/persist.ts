import { CrossportError } from '../../shared/errors.ts'
import { familyOf } from '../../shared/net/family.ts'
import type { Attributes, GuestFiles } from './files.ts'
import { ownerOf, sign } from './ownership.ts'
import { WRITERS } from './writers/all.ts'
import type { PersistWriter } from './writers/types.ts'

/** The path of a VIP's file, and the file's content now. */
export interface Place {
  readonly path: string
  readonly wanted: string
  readonly current: string | undefined
  readonly neighbour: string
}

/**
 * Finds the network manager of this NIC. Throws GUEST_NO_PERSISTENCE when no known one manages the NIC, or when its files cannot
 * be read.
 */
export async function findWriter(files: GuestFiles, nic: string): Promise<PersistWriter> {
  for (const writer of WRITERS) if (await writer.detect(files, nic)) return writer
  throw noPersistence(
    `no network configuration that we can add to was found in the guest for ${nic}; looked for ${WRITERS.map(w => w.name).join(', ')}`,
  )
}

/** Finds the first path that is free or ours; the recorded path comes first. Throws GUEST_NO_PERSISTENCE, GUEST_FILE_FOREIGN. */
export async function findPlace(
  files: GuestFiles,
  writer: PersistWriter,
  nic: string,
  vip: string,
  recorded: string | undefined,
): Promise<Place> {
  const family = familyOf(vip)
  if (!writer.families.includes(family))
    throw noPersistence(`${writer.name} has no place for an ${family.name} address`)
  const paths = writer.paths(nic, vip)
  if (paths.length === 0) throw noPersistence(`the name of ${nic} leaves no room for an alias (15 characters)`)
  const known = recorded !== undefined && paths.includes(recorded) ? [recorded] : []
  let foreign: string | undefined
  for (const path of [...known, ...paths.filter(path => path !== recorded)]) {
    const current = await files.read(path)
    if (ownerOf(current, vip) !== 'foreign')
      return { path, current, wanted: sign(vip, writer.text(nic, vip, path)), neighbour: writer.neighbour(nic) }
    foreign ??= path
    // A file that we wrote and somebody has edited belongs to them; a second file for the same VIP would be wrong.
    if (path === recorded) break
  }
  throw new CrossportError('GUEST_FILE_FOREIGN', `${foreign} in the guest was written or edited by somebody else`)
}

/** Writes the file, unless its text, mode and owner are right. Mode and owner are the neighbour's, but nobody else may write it. */
export async function writeFile(files: GuestFiles, { path, current, wanted, neighbour }: Place): Promise<void> {
  const found = await files.attributes([path, neighbour])
  const { mode, uid, gid } = found.get(neighbour) ?? ROOTS
  const right = { mode: mode & ROOTS.mode, uid, gid }
  if (current === wanted && sameAttributes(found.get(path) ?? right, right)) return
  await files.write(path, wanted, right)
}

const ROOTS: Attributes = { mode: 0o644, uid: 0, gid: 0 }

function sameAttributes(a: Attributes, b: Attributes): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid
}

/** Removes our file. Returns false when the file now belongs to somebody else and was left. */
export async function removeFile(files: GuestFiles, path: string, vip: string): Promise<boolean> {
  const content = await files.read(path)
  if (content === undefined) return true
  if (ownerOf(content, vip) === 'foreign') return false
  await files.remove(path)
  return true
}

export function noPersistence(reason: string, cause?: unknown): CrossportError {
  const text = `address set, will not survive a reboot because ${reason}`
  return new CrossportError('GUEST_NO_PERSISTENCE', text, cause === undefined ? {} : { cause })
}
