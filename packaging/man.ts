import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Nodes, Paragraph, PhrasingContent, Root, RootContent, Table, Text } from 'mdast'
import remarkGfm from 'remark-gfm'
import remarkMan from 'remark-man'
import remarkParse from 'remark-parse'
import { unified } from 'unified'
import { COMMANDS } from './programs.ts'
import { ROOT } from './root.ts'

export interface ManPage {
  readonly name: string
  readonly section: number
  readonly text: string
}

/** The manual, in roff: of the command from its options, of files and daemons from docs/. `epoch`: seconds since 1970. */
export async function manual(version: string, epoch: number): Promise<ManPage[]> {
  const page = async (name: string, section: number, markdown: string): Promise<ManPage> => {
    const about = { name, section, date: new Date(epoch * 1000), version: `crossport ${version}`, manual: 'crossport' }
    const file = await unified().use(remarkParse).use(remarkGfm).use(forManual).use(remarkMan, about).process(markdown)
    return { name, section, text: String(file) }
  }
  const daemon = (role: 'agent' | 'director') => page(`crossport-${role}`, 8, daemonPage(role))
  return [
    await page('crossport', 1, commandPage()),
    await page(
      'crossport-service',
      5,
      `# crossport-service(5) -- service file of crossport\n${withoutTitle('service-file.md')}`,
    ),
    await daemon('agent'),
    await daemon('director'),
  ]
}

function commandPage(): string {
  return `# crossport(1) -- what the load balancer of this machine does, and why
## SYNOPSIS
\`crossport\` COMMAND [OPTION…]
## COMMANDS
${commands(COMMANDS.crossport)}
${own('crossport.md')}`
}

function daemonPage(role: 'agent' | 'director'): string {
  return `# crossport-${role}(8) -- daemon of the load balancer crossport\n${own(`crossport-${role}.md`)}
## COMMANDS
${commands(COMMANDS[role])}
## CONFIGURATION
${section(readDocs('operations.md'), `### /etc/crossport/${role}.yaml`)}
${own('daemon.md').replaceAll('ROLE', role)}`
}

/** Subcommands with their arguments and options. */
function commands(program: Command): string {
  const line = (flags: string, description: string) => `* \`${flags}\`: ${literal(description)}\n`
  return program.commands
    .map(command => {
      const places = command.registeredArguments
      const heading = [command.name(), ...places.map(each => `${each.name()}${each.variadic ? '…' : ''}`)].join(' ')
      const all = [
        ...places.filter(each => each.description !== '').map(each => line(each.name(), each.description)),
        ...command.options.map(({ flags, description }) => line(flags, description)),
      ]
      return `### ${heading}\n\n${literal(command.description())}\n\n${all.join('')}\n`
    })
    .join('')
}

/** The text below a heading, up to the next heading of its rank or above. */
function section(page: string, heading: string): string {
  const [, below] = page.split(`${heading}\n`)
  if (below === undefined) throw new Error(`docs have no section '${heading}'`)
  return below.split(/^#{1,3} /m)[0]!
}

const own = (name: string) => readFileSync(join(import.meta.dirname, 'man', name), 'utf8')
const readDocs = (name: string) => readFileSync(join(ROOT, 'docs', name), 'utf8')
const withoutTitle = (name: string) => readDocs(name).replace(/^# .*\n/, '')
const literal = (text: string) => text.replace(/[<*_]/g, '\\$&')

/** What reads well on a terminal: a page's tables do not wrap, and its links lead nowhere. */
function forManual() {
  return (tree: Root): void => {
    tree.children = tree.children.flatMap(node => (node.type === 'table' ? paragraphs(node) : [node]))
    unlink(tree)
  }
}

/** A row becomes a paragraph: the first cell, and below it the others that say something. */
function paragraphs({ children: [heads, ...rows] }: Table): RootContent[] {
  return rows.map(({ children: [key, ...others] }) => {
    const values = others.flatMap((cell, index): PhrasingContent[] => {
      const [only] = cell.children
      if (only?.type === 'text' && only.value === '–') return []
      const head = heads?.children[index + 1]?.children ?? []
      return [{ type: 'break' }, ...(index === 0 ? [] : [...head, text(': ')]), ...cell.children]
    })
    return { type: 'paragraph', children: [{ type: 'strong', children: key!.children }, ...values] } satisfies Paragraph
  })
}

interface Parent {
  children: Nodes[]
}

/** Puts the text of each link in its place. */
function unlink(node: Parent): void {
  for (const child of node.children) if ('children' in child) unlink(child)
  node.children = node.children.flatMap((child): Nodes[] => (child.type === 'link' ? child.children : [child]))
}

const text = (value: string): Text => ({ type: 'text', value })
