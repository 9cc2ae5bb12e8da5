import { hash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { createTree, filesBelow, settle } from './tree.ts'

/** deb-control(5), as far as it is needed. */
export interface Control {
  readonly Package: string
  readonly Version: string
  readonly Architecture: string
  readonly Depends: string
  readonly Recommends?: string
  /** One line, and below it the long description. */
  readonly Description: string
}

const COMMON = {
  Maintainer: 'crossport developers <crossport@example.org>',
  Section: 'net',
  Priority: 'optional',
}

export type MaintainerScript = 'postinst' | 'prerm' | 'postrm'

/**
 * Packs the files below `tree` into a .deb in `out`, and resolves with its path. The same files give the same bytes:
 * dpkg-deb sorts them, root owns them, and all have the time `epoch` (seconds since 1970; see SOURCE_DATE_EPOCH in dpkg-deb(1)).
 */
export async function packDeb(
  tree: string,
  out: string,
  control: Control,
  scripts: Readonly<Partial<Record<MaintainerScript, string>>>,
  epoch: number,
): Promise<string> {
  const files = filesBelow(tree)
  const sizes = files.map(path => Math.ceil(statSync(join(tree, path)).size / 1024))
  const { Description, ...fields } = control
  const text = Object.entries({ ...fields, ...COMMON, 'Installed-Size': sum(sizes), Description: folded(Description) })
  const meta = createTree(join(tree, 'DEBIAN'))
  meta.write('control', text.map(([name, value]) => `${name}: ${value}\n`).join(''))
  meta.write('md5sums', files.map(path => `${hash('md5', readFileSync(join(tree, path)))}  ${path}\n`).join(''))
  for (const [name, script] of Object.entries(scripts)) meta.write(name, script, 0o755)
  settle(tree, epoch)
  const file = join(out, `${control.Package}_${control.Version}_${control.Architecture}.deb`)
  // One thread, because the bytes differ with their number. More than level 6 of zstd gains two per cent.
  const how = ['--root-owner-group', '--threads-max=1', '-Zzstd', '-z6']
  await execa('dpkg-deb', [...how, '--build', tree, file], { env: { SOURCE_DATE_EPOCH: String(epoch) } })
  return file
}

/** Further lines begin with a space, and an empty one is a full stop (deb-control(5), Description). */
const folded = (text: string) =>
  text
    .trim()
    .split('\n')
    .map(line => line || '.')
    .join('\n ')
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
