import { createMerger } from '../../shared/config/merge.ts'
import { parseServiceFile } from '../../shared/config/parse.ts'
import type { ServiceSpec, SpecProblem } from '../../shared/config/service.ts'
import { createSorryServices } from '../../shared/config/sorry-service.ts'
import type { Inputs } from '../inputs.ts'
import type { DirectorDocument } from '../store/types.ts'

export interface WantedServices {
  readonly specs: readonly ServiceSpec[]
  readonly problems: readonly SpecProblem[]
}

export interface HostServices extends WantedServices {
  /** What files and documents came to, without the real servers of sorry services. */
  readonly inForce: readonly ServiceSpec[]
}

const NOTHING: HostServices = { specs: [], problems: [], inForce: [] }

/**
 * The services that the host is to serve: of its own files and of the director's documents.
 *
 * @param inForce - before this process
 */
export function createServices(inForce: readonly ServiceSpec[]) {
  const parseDocuments = createDocumentParser()
  const merge = createMerger(inForce)
  const withSorryServices = createSorryServices()
  return ({ services, documents, withdrawn }: Pick<Inputs, 'services' | 'documents' | 'withdrawn'>): HostServices => {
    if (withdrawn) return NOTHING
    const received = parseDocuments(documents.list)
    const merged = merge(services.specs, received.specs)
    const { specs, problems } = withSorryServices(merged.specs)
    return {
      specs,
      problems: [...services.problems, ...received.problems, ...merged.problems, ...problems],
      inForce: merged.specs,
    }
  }
}

/** The director's documents as specs; each is parsed again only when it changes. */
function createDocumentParser() {
  let last: { documents: readonly DirectorDocument[]; result: WantedServices } | undefined
  let known: ReadonlyMap<string, ParsedDocument> = new Map()
  return (documents: readonly DirectorDocument[]): WantedServices => {
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

interface ParsedDocument extends WantedServices {
  readonly text: string
}
