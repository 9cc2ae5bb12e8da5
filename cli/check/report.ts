import { mergeServices } from '../../shared/config/merge.ts'
import type { ServiceSpec, SpecProblem } from '../../shared/config/service.ts'
import type { FileContent } from '../../shared/config/snapshot.ts'
import { createSorryServices } from '../../shared/config/sorry-service.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { changesOf, type ServiceChange } from './changes.ts'
import { type ConnectionEffect, connectionEffect } from './established.ts'
import { type Dropped, drop } from './files.ts'
import { type GuestEffects, guestEffects } from './guests.ts'
import { ownServices, sentSpecs } from './in-force.ts'

/** What dropping files into one directory would do. */
export interface CheckReport extends Dropped {
  readonly changes: readonly (ServiceChange & { readonly connections: ConnectionEffect })[]
  /** Services in force that nothing happens to. */
  readonly untouched: number
  readonly guests: readonly GuestEffects[]
  /** What an operator would want to know beside. */
  readonly notes: readonly string[]
}

/** `daemons`: those that read this directory. */
export async function reportOn(
  candidates: ReadonlyMap<string, FileContent>,
  dir: string,
  daemons: readonly Status__Output[],
): Promise<CheckReport> {
  const dropped = await drop(candidates, dir, daemons)
  const { before, after, partly } = dropped
  const refused = daemons
    .flatMap(status => refusedBy(status, before.specs, after.specs))
    .map(problem => ({ ...problem, file: dropped.namedAs(problem.file) }))
    .filter(({ file }) => dropped.files.includes(file))
  const names = new Set(refused.map(({ service }) => service))
  const withSorryServices = createSorryServices()
  const changes = changesOf(withSorryServices(before.specs).specs, withSorryServices(after.specs).specs, partly).filter(
    ({ service }) => !names.has(service),
  )
  const notes = dropped.unread.map(
    file => `${file}: would not be read under this name; service files are *.yaml or *.yml`,
  )
  // A file on a host may name a service of the director's.
  const all = [...after.specs, ...daemons.flatMap(sentSpecs)]
  for (const { file, line, reason } of withSorryServices(all).problems) notes.push(`${file}:${line}: ${reason}`)
  const guests = daemons.map(status => {
    const sent = sentSpecs(status)
    for (const { service, kind } of changes)
      if (kind === 'added' && sent.some(spec => spec.service === service))
        notes.push(
          `${status.role} ${status.id}: this file would take the place of the director's '${service}' on this host`,
        )
    return guestEffects(status, changes)
  })
  return {
    ...dropped,
    problems: [...dropped.problems, ...refused],
    changes: changes.map(change => ({
      ...change,
      connections: connectionEffect(change, leaving(change.service, guests)),
    })),
    untouched: after.specs.length - changes.filter(({ kind }) => kind !== 'removed').length,
    guests,
    notes,
  }
}

/** Services that cannot stand beside each other on a host: its own, and those that its director has sent. */
function refusedBy(
  status: Status__Output,
  before: readonly ServiceSpec[],
  after: readonly ServiceSpec[],
): readonly SpecProblem[] {
  const sent = sentSpecs(status)
  const own = new Set(ownServices(status).map(({ service }) => service))
  const inForce = [...before.filter(({ service }) => own.has(service)), ...sent]
  return mergeServices(after, sent, inForce).problems
}

/** Undefined where nobody was asked. */
function leaving(service: string, guests: readonly GuestEffects[]): readonly string[] | undefined {
  if (guests.length === 0) return undefined
  const found = guests.flatMap(one => one.leaving).filter(one => one.service === service)
  return [...new Set(found.map(({ vm, port }) => `${vm} port ${port}`))]
}
