import { CrossportError } from '../../shared/errors.ts'
import type { GuestEdit } from '../store/types.ts'
import { type Edit, type FileEdit, insertedIn, insertionOf, type LinesEdit, mentions } from './edits.ts'
import type { Attributes, GuestFiles, Permissions } from './files.ts'
import { sign, writerOf } from './signature.ts'

/** What has to be done in a guest so that it keeps one VIP. */
export interface Plan {
  /** All that will be ours in the guest, to be recorded before the plan is carried out. */
  readonly edits: readonly GuestEdit[]
  /** Whether some of it was there already. Then the VIP in the guest is ours, too, even where no record says so. */
  readonly ours: boolean
  readonly steps: readonly Step[]
}

type Step =
  | { readonly do: 'folder'; readonly path: string }
  | { readonly do: 'write'; readonly path: string; readonly text: string; readonly as: Permissions }

/**
 * Reads the guest and plans the first of these ways whose files are free or ours. `recorded`: what the record of the VIP says;
 * `made`: folders that were made for any VIP of this VM. Throws GUEST_FILE_FOREIGN, GUEST_COMMAND_FAILED.
 */
export async function planEdits(
  files: GuestFiles,
  ways: readonly (readonly Edit[])[],
  vip: string,
  recorded: readonly GuestEdit[],
  made: ReadonlySet<string>,
): Promise<Plan> {
  const isRecorded = (way: readonly Edit[]) => way.some(({ path }) => recorded.some(edit => edit.path === path))
  const known = ways.filter(isRecorded)
  let foreign: CrossportError | undefined
  for (const way of [...known, ...ways.filter(way => !isRecorded(way))]) {
    try {
      const plans: Plan[] = []
      for (const edit of way)
        plans.push(
          edit.kind === 'file'
            ? await planFile(files, edit, vip, made)
            : await planLines(
                files,
                edit,
                vip,
                recorded.find(old => old.kind === 'lines' && old.path === edit.path),
              ),
        )
      return {
        edits: plans.flatMap(plan => plan.edits),
        ours: plans.some(plan => plan.ours),
        steps: plans.flatMap(plan => plan.steps),
      }
    } catch (error) {
      if (!(error instanceof CrossportError) || error.code !== 'GUEST_FILE_FOREIGN') throw error
      foreign ??= error
      // A file that we wrote and somebody has edited belongs to them; a second file for the same VIP would be wrong.
      if (known.includes(way)) break
    }
  }
  throw foreign ?? new CrossportError('GUEST_COMMAND_FAILED', 'there is no way to keep the VIP')
}

export async function carryOut(files: GuestFiles, { steps }: Plan): Promise<void> {
  for (const step of steps) {
    if (step.do === 'folder') await files.makeFolder(step.path)
    else await files.write(step.path, step.text, step.as)
  }
}

async function planFile(files: GuestFiles, edit: FileEdit, vip: string, made: ReadonlySet<string>): Promise<Plan> {
  const { path, neighbour, folders = [] } = edit
  const found = await files.attributes(['/', path, neighbour, ...folders])
  const there = found.get(path)
  // A link or a pipe is somebody else's, and nobody reads it.
  if (there !== undefined && there.kind !== 'file') throw foreign(path)
  const current = await files.read(path)
  const writer = writerOf(current, vip)
  if (writer === 'foreign') throw foreign(path)
  const wanted = sign(vip, edit.text)
  const as = permissionsOf(found.get(neighbour), edit.script === true)
  // Where the guest does not tell what is there, no folder counts as ours.
  const told = found.has('/')
  const missing = folders.filter(folder => !found.has(folder))
  const right = current === wanted && (there === undefined || samePermissions(there, as))
  return {
    edits: [
      { kind: 'file', path, folders: folders.filter(folder => made.has(folder) || (told && !found.has(folder))) },
    ],
    ours: writer === 'ours',
    steps: right
      ? []
      : [...missing.map(path => ({ do: 'folder', path }) as const), { do: 'write', path, text: wanted, as }],
  }
}

async function planLines(files: GuestFiles, edit: LinesEdit, vip: string, old: GuestEdit | undefined): Promise<Plan> {
  const { path } = edit
  const attributes = (await files.attributes([path])).get(path)
  if (attributes?.kind !== 'file') throw foreign(path)
  const current = (await files.read(path)) ?? ''
  if (old?.kind === 'lines' && current.includes(old.text)) return { edits: [old], ours: true, steps: [] }
  const inserted = insertedIn(current, vip, edit.text)
  if (inserted !== undefined) return { edits: [{ kind: 'lines', path, text: inserted }], ours: true, steps: [] }
  if (mentions(current, vip)) throw foreign(path)
  const text = insertionOf(current, vip, edit.text)
  return {
    edits: [{ kind: 'lines', path, text }],
    ours: false,
    steps: [{ do: 'write', path, text: current + text, as: attributes }],
  }
}

const ROOTS: Permissions = { mode: 0o644, uid: 0, gid: 0 }

/** Those of the neighbour; but nobody beside the owner may write, for root may run it. */
function permissionsOf(neighbour: Attributes | undefined, script: boolean): Permissions {
  const { mode, uid, gid } = neighbour ?? ROOTS
  const readable = mode & ROOTS.mode
  return { mode: script ? readable | ((readable & 0o444) >> 2) : readable, uid, gid }
}

function samePermissions(a: Permissions, b: Permissions): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid
}

function foreign(path: string): CrossportError {
  return new CrossportError('GUEST_FILE_FOREIGN', `${path} in the guest was written or edited by somebody else`)
}
