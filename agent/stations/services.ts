import { createMerger } from '../../shared/config/merge.ts'
import { parseServiceFile, placeOf } from '../../shared/config/parse.ts'
import type { ServiceSpec, SpecProblem } from '../../shared/config/service.ts'
import { createSorryServices } from '../../shared/config/sorry-service.ts'
import { changedItems } from '../../shared/lists.ts'
import type { Documents } from '../directors.ts'
import type { Inputs } from '../inputs.ts'
import type { Store } from '../store/store.ts'
import { type Contested, createCombiner } from './combine.ts'

interface Parsed {
  readonly specs: readonly ServiceSpec[]
  readonly problems: readonly SpecProblem[]
  /** Whose version is in force of services that directors disagree on. */
  readonly contested: Contested
}

/** What the host's files and the directors' documents came to. */
export interface HostServices extends Parsed {
  /** Without the real servers of sorry services. */
  readonly inForce: readonly ServiceSpec[]
  /** Of all services that this host has heard of, those too that its own files put others in the place of; sorted. */
  readonly vips: readonly string[]
}

/**
 * The services that the host is to serve: of its own files and of the directors' documents. A document that cannot be read
 * (a newer director may have sent it) keeps what it had in force.
 *
 * @param remembered - what was in force before this process, and which director's version
 */
export function createServices(remembered: Pick<Store, 'services' | 'contested'>) {
  let contested: Contested = remembered.contested()
  const parseDocuments = createDocumentParser(createCombiner(contested))
  let inForce = remembered.services()
  const merge = createMerger(inForce)
  const withSorryServices = createSorryServices()
  const vipsOf = createVips()
  return ({ services, documents, withdrawn }: Pick<Inputs, 'services' | 'documents' | 'withdrawn'>): HostServices => {
    if (withdrawn) return { specs: [], problems: [], inForce: [], contested, vips: [] }
    const received = withLastGood(parseDocuments(documents), inForce)
    contested = received.contested
    const merged = merge(services.specs, received.specs)
    inForce = merged.specs
    const { specs, problems } = withSorryServices(merged.specs)
    return {
      specs,
      problems: [...services.problems, ...received.problems, ...merged.problems, ...problems],
      inForce: merged.specs,
      contested,
      vips: vipsOf(services.specs, received.specs),
    }
  }
}

/** Counts the services of each VIP by what has changed; the same list while no VIP comes or goes. */
function createVips() {
  const services = new Map<string, number>()
  let last: readonly (readonly ServiceSpec[])[] = []
  let vips: readonly string[] = []
  return (...lists: readonly (readonly ServiceSpec[])[]): readonly string[] => {
    const before = services.size
    let other = false
    for (const [i, list] of lists.entries()) {
      const { gone, come } = changedItems(last[i] ?? [], list)
      for (const { vip } of come) services.set(vip, (services.get(vip) ?? 0) + 1)
      for (const { vip } of gone) {
        const left = services.get(vip)! - 1
        if (left > 0) services.set(vip, left)
        else other = services.delete(vip)
      }
    }
    last = lists
    if (other || services.size !== before) vips = [...services.keys()].sort()
    return vips
  }
}

/** @param inForce - what was in force before */
function withLastGood(received: Received, inForce: readonly ServiceSpec[]): Parsed {
  const { specs, problems, unread } = received
  if (unread.size === 0) return received
  const names = new Set(specs.map(({ service }) => service))
  const kept = inForce.filter(
    ({ service, source }) => source.origin === 'director' && unread.has(placeOf(source)) && !names.has(service),
  )
  const files = new Set(kept.map(({ source }) => source.file))
  return {
    ...received,
    specs: [...specs, ...kept],
    problems: problems.map(problem => (files.has(problem.file) ? { ...problem, lastGood: true } : problem)),
  }
}

interface Received extends Parsed {
  /** Places of documents that cannot be read. */
  readonly unread: ReadonlySet<string>
}

/** The directors' documents as specs, of all directors together; each is parsed again only when it changes. */
function createDocumentParser(combine: ReturnType<typeof createCombiner>) {
  let last: { documents: Documents['byDirector']; result: Received } | undefined
  let known: ReadonlyMap<string, ParsedDocument> = new Map()
  return ({ byDirector }: Documents): Received => {
    if (last?.documents === byDirector) return last.result
    const problems: SpecProblem[] = []
    const unread = new Set<string>()
    const next = new Map<string, ParsedDocument>()
    const specs = new Map<string, readonly ServiceSpec[]>()
    for (const [director, documents] of byDirector) {
      const parsed = documents.map(({ file, line, text }) => {
        const place = `${director} ${file}:${line}`
        const before = known.get(place)
        const one =
          before?.text === text ? before : { text, ...parseServiceFile(text, file, { origin: 'director', line }) }
        next.set(place, one)
        if (one.problems.length > 0) unread.add(placeOf({ file, line }))
        return one
      })
      specs.set(
        director,
        parsed.flatMap(one => one.specs),
      )
      for (const one of parsed) problems.push(...one.problems)
    }
    known = next
    const combined = combine(specs)
    last = { documents: byDirector, result: { ...combined, problems: [...problems, ...combined.problems], unread } }
    return last.result
  }
}

interface ParsedDocument {
  readonly text: string
  readonly specs: readonly ServiceSpec[]
  readonly problems: readonly SpecProblem[]
}
