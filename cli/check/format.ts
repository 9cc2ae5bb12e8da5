import type { Io } from '../exit.ts'
import type { FieldChange } from './changes.ts'
import type { GuestEffects } from './guests.ts'
import type { CheckReport } from './report.ts'

/** For a person: what is wrong goes to `err`, what would happen to `out`, service by service. */
export function formatReport(report: CheckReport, io: Io): void {
  const { files, after, problems, standing, notes, changes, untouched, guests, dir } = report
  for (const { file, line, column, reason, lastGood } of problems)
    io.err(`${file}:${line}:${column}: ${reason}${lastGood ? ' (its version in force would stay)' : ''}\n`)
  const bad = new Set(problems.map(({ file }) => file)).size
  if (bad > 0) io.err(`${bad} of ${count(files.length, 'file')} would be rejected\n`)
  else io.out(`${count(files.length, 'file')} in order, ${count(services(report), 'service')}\n`)
  for (const note of notes) io.err(`${clean(note)}\n`)
  for (const { file, line, column, reason } of standing)
    io.err(`wrong in ${dir} already: ${file}:${line}:${column}: ${reason}\n`)
  for (const { service, kind, before, after: next, fields, connections } of changes) {
    const { file, line } = (next ?? before)!.source
    io.out(`\n${service}: ${kind} (${file}:${line})\n`)
    for (const field of fields) io.out(`  ${clean(fieldLine(field))}\n`)
    io.out(`  connections: ${connections.text}\n`)
    for (const effects of guests) for (const line of matchLines(service, effects)) io.out(`  ${clean(line)}\n`)
  }
  const vips = guests.flatMap(vipLines)
  if (vips.length > 0) io.out('\n')
  for (const line of vips) io.out(`${clean(line)}\n`)
  if (changes.length === 0) io.out(`nothing would change in ${dir}\n`)
  else if (untouched > 0) io.out(`\n${count(untouched, 'other service')} in ${dir}: not touched\n`)
  if (guests.length === 0 && after.specs.length > 0 && changes.length > 0)
    io.out('\nno daemon was asked: which VMs match is not known\n')
}

/** Services in the files that were named. */
const services = ({ files, after }: CheckReport) => {
  const named = new Set(files)
  return after.specs.filter(({ source }) => named.has(source.file)).length
}

function fieldLine({ field, from, to }: FieldChange): string {
  if (from === undefined && !field.endsWith(']')) return `${field}: not set → ${to}`
  if (from === undefined) return `${field}: added, ${to}`
  if (to === undefined) return field.endsWith(']') ? `${field}: removed, ${from}` : `${field}: ${from} → not set`
  return `${field}: ${from} → ${to}`
}

function matchLines(service: string, { daemon, complete, matches }: GuestEffects): string[] {
  return matches
    .filter(match => match.service === service)
    .map(({ vm, port, found }) => {
      const where = complete ? '' : ' of the VMs that serve already (hosts know the others)'
      return `${daemon}: ${vm} port ${port} matches ${found.length === 0 ? 'none' : found.join(', ')}${where}`
    })
}

function vipLines({ daemon, vips }: GuestEffects): string[] {
  const groups = new Map<string, string[]>()
  for (const { vip, action, vm, running } of vips) {
    const what = action === 'set' ? `VIP ${vip} would be set in` : `VIP ${vip} would be taken out of`
    groups.set(what, [...(groups.get(what) ?? []), running ? vm : `${vm} (when it runs)`])
  }
  return [...groups].map(([what, vms]) => `${daemon}: ${what} ${vms.join(', ')}`)
}

const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`

/** A name from a file or from libvirt must not steer the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const clean = (text: string) => text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
