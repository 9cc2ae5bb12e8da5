import { createMerger } from '../../shared/config/merge.ts'
import { parseServiceFile } from '../../shared/config/parse.ts'
import type { ServiceSpec, SpecProblem } from '../../shared/config/service.ts'
import { createSorryServices } from '../../shared/config/sorry-service.ts'
import type { Inputs } from '../inputs.ts'
import type { DirectorDocument } from '../store/types.ts'

interface Parsed {
  readonly specs: readonly ServiceSpec[]
  readonly problems: readonly SpecProblem[]
}

export interface WantedServices extends Parsed {
  /** Of all services that this host has heard of, those too that its own files put others in the place of; sorted. */
  readonly vips: readonly string[]
}

const NOTHING: WantedServices = { specs: [], problems: [], vips: [] }

/** The services that the host is to serve: its own files' before the director's. */
export function createServices() {
  const parseDocuments = createDocumentParser()
  const merge = createMerger()
  const withSorryServices = createSorryServices()
  const vipsOf = createVips()
  return ({ services, documents, withdrawn }: Pick<Inputs, 'services' | 'documents' | 'withdrawn'>): WantedServices => {
    if (withdrawn) return NOTHING
    const received = parseDocuments(documents.list)
    const merged = merge(services.specs, received.specs)
    const { specs, problems } = withSorryServices(merged.specs)
    return {
      specs,
      problems: [...services.problems, ...received.problems, ...merged.problems, ...problems],
      vips: vipsOf(services.specs, received.specs),
    }
  }
}

/** The same list while nothing changes. */
function createVips() {
  let last: readonly (readonly ServiceSpec[])[] = []
  let vips: readonly string[] = []
  return (...lists: readonly (readonly ServiceSpec[])[]): readonly string[] => {
    if (lists.every((list, i) => list === last[i])) return vips
    last = lists
    const next = [...new Set(lists.flat().map(({ vip }) => vip))].sort()
    if (next.join() !== vips.join()) vips = next
    return vips
  }
}

/** The director's documents as specs; each is parsed again only when it changes. */
function createDocumentParser() {
  let last: { documents: readonly DirectorDocument[]; result: Parsed } | undefined
  let known: ReadonlyMap<string, ParsedDocument> = new Map()
  return (documents: readonly DirectorDocument[]): Parsed => {
    if (last?.documents === documents) return last.result
    const specs: ServiceSpec[] = []
    const problems: SpecProblem[] = []
    const next = new Map<string, ParsedDocument>()
    for (const { file, line, text } of documents) {
      const place = `${file}:${line}`
      const before = known.get(place)
      const one =
        before?.text === text ? before : { text, ...parseServiceFile(text, file, { origin: 'director', line }) }
      next.set(place, one)
      specs.push(...one.specs)
      problems.push(...one.problems)
    }
    known = next
    last = { documents, result: { specs, problems } }
    return last.result
  }
}

interface ParsedDocument extends Parsed {
  readonly text: string
}
