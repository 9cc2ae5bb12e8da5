import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { execa } from 'execa'
import { ROOT } from './root.ts'

/** Something of others that is inside the packages. */
export interface Component {
  readonly name: string
  /** Name of the component that it is linked into. */
  readonly within?: string
  readonly version: string
  /** SPDX expression; undefined where it is part of another component. */
  readonly license?: string
  /** Package URL (github.com/package-url/purl-spec); undefined likewise. */
  readonly purl?: string
  /** Text of the licence, with its copyright notices. */
  readonly licenseText?: string
}

export const NODE = realpathSync(join(ROOT, 'node_modules/node/bin/node'))

/** An npm package, by its folder relative to the checkout. */
function npmComponent(folder: string): Component {
  const { name, version, license, author } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
  const file = readdirSync(join(ROOT, folder)).find(each => /^licen[cs]e/i.test(each))
  const notice = `Copyright ${typeof author === 'string' ? author : (author?.name ?? `the authors of ${name}`)}`
  const licenseText =
    file === undefined
      ? `${notice}\n\n${licenseTemplate(name, license)}`
      : readFileSync(join(ROOT, folder, file), 'utf8')
  return { name, version, license, purl: `pkg:npm/${name.replace('@', '%40')}@${version}`, licenseText }
}

/** The text of a licence that a package names, but does not contain. */
function licenseTemplate(name: string, license: string): string {
  const file = join(import.meta.dirname, 'licenses', `${license}.txt`)
  if (!existsSync(file)) throw new Error(`${name} has no licence file, and packaging/licenses has none for ${license}`)
  return readFileSync(file, 'utf8')
}

/** The npm packages of these folders, each once, and the SQLite library in one of them. */
export function npmComponents(folders: readonly string[]): Component[] {
  const packages = new Map(folders.map(npmComponent).map(component => [component.purl, component]))
  const { version } = new Database(':memory:').prepare('SELECT sqlite_version() AS version').get() as {
    version: string
  }
  return [...packages.values(), { name: 'sqlite', version, within: 'better-sqlite3' }]
}

/** Node itself, and what is linked into it. */
export async function nodeComponents(): Promise<Component[]> {
  const { stdout } = await execa(NODE, ['-p', 'JSON.stringify(process.versions)'])
  const { node, modules, napi, ...parts } = JSON.parse(stdout) as Record<string, string>
  const file = join(import.meta.dirname, 'licenses', `node-${node}.txt`)
  if (!existsSync(file))
    throw new Error(`packaging/licenses/node-${node}.txt is not there: it is LICENSE of Node's source`)
  const licenseText = readFileSync(file, 'utf8')
  return [
    { name: 'node', version: node!, license: 'MIT', purl: `pkg:npm/node@${node}`, licenseText },
    ...Object.entries(parts).flatMap(([name, version]) => (version ? [{ name, version, within: 'node' }] : [])),
  ]
}

/** The library of the build machine that Node needs and a bare Debian lacks, and its file. */
export async function atomicLibrary(): Promise<{ file: string; component: Component }> {
  const { stdout } = await execa('ldd', [NODE])
  const file = /libatomic\.so\.1 => (\S+)/.exec(stdout)?.[1]
  if (file === undefined) throw new Error('libatomic.so.1 is not there: apt-get install libatomic1')
  const field = async (name: string) => (await execa('dpkg-query', ['-W', '-f', `\${${name}}`, 'libatomic1'])).stdout
  const [version, architecture] = [await field('Version'), await field('Architecture')]
  const license = 'GPL-3.0-or-later WITH GCC-exception-3.1'
  const purl = `pkg:deb/debian/libatomic1@${encodeURIComponent(version)}?arch=${architecture}`
  return { file: realpathSync(file), component: { name: 'libatomic1', version, license, purl, licenseText: GCC } }
}

const GCC = `Copyright Free Software Foundation, Inc.

libatomic is part of GCC, and unchanged from Debian's package libatomic1. It is free software under the GNU General Public License,
version 3 or later, whose text is in /usr/share/common-licenses/GPL-3, with the additional permissions of the GCC Runtime
Library Exception, version 3.1 (https://www.gnu.org/licenses/gcc-exception-3.1.html). Its source is Debian's source package gcc.
`
