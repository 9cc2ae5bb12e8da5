import type { GuestEdit } from '../store/types.ts'
import { mentions, withoutInsertion } from './edits.ts'
import type { GuestFiles } from './files.ts'
import { writerOf } from './signature.ts'

/**
 * Undoes edits, the last first, whether they were made, half made or never made: afterwards the guest's files are byte for byte what
 * they were. What somebody has edited since is theirs.
 *
 * @returns paths of what was left for that reason.
 */
export async function undoEdits(
  files: GuestFiles,
  edits: readonly GuestEdit[],
  vip: string,
): Promise<readonly string[]> {
  const left: string[] = []
  for (const edit of edits.toReversed()) {
    const undone = edit.kind === 'file' ? await undoFile(files, edit.path, vip) : await undoLines(files, edit, vip)
    if (!undone) left.push(edit.path)
    else if (edit.kind === 'file') for (const folder of edit.folders.toReversed()) await files.removeFolder(folder)
  }
  return left
}

async function undoFile(files: GuestFiles, path: string, vip: string): Promise<boolean> {
  const there = (await files.attributes([path])).get(path)
  if (there !== undefined && there.kind !== 'file') return false
  if (writerOf(await files.read(path), vip) === 'foreign') return false
  // Also where there is none: its writing may have been interrupted.
  await files.remove(path)
  return true
}

async function undoLines(files: GuestFiles, edit: GuestEdit & { kind: 'lines' }, vip: string): Promise<boolean> {
  const { path, text } = edit
  const current = await files.read(path)
  if (current === undefined || !mentions(current, vip)) return true
  const before = withoutInsertion(current, text)
  const attributes = (await files.attributes([path])).get(path)
  if (before === undefined || attributes?.kind !== 'file') return false
  await files.write(path, before, attributes)
  return true
}
