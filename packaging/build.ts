import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { billOfMaterials } from './bom.ts'
import { bundle } from './bundle.ts'
import { messageCatalog } from './catalog.ts'
import { bashCompletion } from './completion.ts'
import { atomicLibrary, NODE, nodeComponents, npmComponents } from './components.ts'
import { copyright } from './copyright.ts'
import { packDeb } from './deb.ts'
import { type ManPage, manual } from './man.ts'
import { COMMAND, commandFiles, DAEMONS, daemonFiles, daemonPackage, type Package } from './packages.ts'
import { COMMANDS } from './programs.ts'
import { createTree, type Tree } from './tree.ts'

const DOC = '/usr/share/doc/crossport'
const COMPLETIONS = '/usr/share/bash-completion/completions'

/**
 * Builds the Debian packages into `out`, and resolves with their paths. The time of all files is SOURCE_DATE_EPOCH
 * (reproducible-builds.org/specs/source-date-epoch), by default the time of the newest entry in packaging/changelog.
 */
export async function buildPackages(out: string, version: string): Promise<string[]> {
  const work = mkdtempSync(join(out, '.new-'))
  try {
    const changes = readFileSync(join(import.meta.dirname, 'changelog'), 'utf8')
    const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? Date.parse(/^ -- .*> {2}(.+)$/m.exec(changes)![1]!) / 1000)
    const programs = join(work, 'bundle')
    const packages = await bundle(programs, version)
    const atomic = await atomicLibrary()
    const components = [...(await nodeComponents()), atomic.component, ...npmComponents(packages)]
    const pages = await manual(version, epoch)
    const pack = async (about: Package, fill: (tree: Tree) => void) => {
      const tree = createTree(join(work, about.name))
      fill(tree)
      const control = { Package: about.name, Version: version, Architecture: 'amd64', ...about.control }
      return packDeb(tree.root, out, control, about.scripts, epoch)
    }
    return [
      await pack(COMMAND, tree => {
        commandFiles(tree, programs, NODE, atomic.file)
        tree.write(`${COMPLETIONS}/crossport`, bashCompletion(COMMANDS.crossport))
        writePages(
          tree,
          pages.filter(({ section }) => section !== 8),
        )
        tree.write('/usr/lib/systemd/catalog/crossport.catalog', messageCatalog())
        tree.writeGzip(`${DOC}/changelog`, changes)
        tree.write(`${DOC}/crossport.cdx.json`, billOfMaterials(version, components, epoch))
        tree.write(`${DOC}/copyright`, copyright(components))
      }),
      ...(await Promise.all(
        DAEMONS.map(role =>
          pack(daemonPackage(role, version), tree => {
            daemonFiles(tree, role, programs)
            tree.write(`${COMPLETIONS}/crossport-${role}`, bashCompletion(COMMANDS[role]))
            writePages(
              tree,
              pages.filter(({ name }) => name === `crossport-${role}`),
            )
          }),
        ),
      )),
    ]
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function writePages(tree: Tree, pages: readonly ManPage[]): void {
  for (const { name, section, text } of pages) tree.writeGzip(`/usr/share/man/man${section}/${name}.${section}`, text)
}
