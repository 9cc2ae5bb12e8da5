import { parseServiceFile, placeOf } from '../../shared/config/parse.ts'
import type { ServiceSpec, SpecProblem } from '../../shared/config/service.ts'
import type { Judge } from '../authority/judge.ts'
import type { Refusal } from '../authority/types.ts'
import type { Documents } from '../directors.ts'
import type { RefusedDocument } from '../report/types.ts'
import type { Contested, createCombiner } from './combine.ts'

export interface Services {
  readonly specs: readonly ServiceSpec[]
  readonly problems: readonly SpecProblem[]
  /** Whose version is in force of services that directors disagree on. */
  readonly contested: Contested
}

export interface RefusedSpec extends Refusal {
  readonly spec: ServiceSpec
}

export interface Received extends Services {
  /** Places of documents that cannot be read, or are refused. */
  readonly unread: ReadonlySet<string>
  readonly refused: readonly RefusedSpec[]
  /** Those of all documents whose VIPs are guarded. */
  readonly guarded: readonly ServiceSpec[]
  /** VIPs of documents that are not guarded. */
  readonly unguarded: ReadonlySet<string>
}

/**
 * The directors' documents as specs, of all directors together; each is parsed again only when it changes. One that is refused is
 * in nobody's way, so another director's may be in force.
 */
export function createDocumentParser(combine: ReturnType<typeof createCombiner>) {
  let last: { readonly of: readonly unknown[]; readonly result: Received } | undefined
  /** Some document has a sorry service, which may be a file's of this host. */
  let sorry = false
  let known: ReadonlyMap<string, ParsedDocument> = new Map()

  const parse = (byDirector: Documents['byDirector']) => {
    const next = new Map<string, ParsedDocument>()
    const all = [...byDirector].map(([director, documents]) => {
      const parsed = documents.map(({ file, line, text }) => {
        const place = `${director} ${file}:${line}`
        const before = known.get(place)
        const one =
          before?.text === text ? before : { text, ...parseServiceFile(text, file, { origin: 'director', line }) }
        next.set(place, one)
        return { ...one, place: placeOf({ file, line }) }
      })
      return { director, parsed, specs: parsed.flatMap(({ specs }) => specs) }
    })
    known = next
    return all
  }

  return ({ byDirector }: Documents, own: readonly ServiceSpec[], judge: Judge): Received => {
    const of = [byDirector, judge, sorry ? own : undefined]
    if (last?.of.every((value, i) => value === of[i])) return last.result
    const directors = parse(byDirector)
    sorry = directors.some(({ specs }) => specs.some(({ sorryService }) => sorryService !== undefined))
    const sorryOf = createSorryLookup([own, ...directors.map(({ specs }) => specs)])
    const problems: SpecProblem[] = []
    const unread = new Set<string>()
    const refused: RefusedSpec[] = []
    const allowed = new Map<string, readonly ServiceSpec[]>()
    for (const { director, parsed, specs } of directors) {
      for (const { place, problems: found } of parsed) {
        problems.push(...found)
        if (found.length > 0) unread.add(place)
      }
      const out = specs.flatMap(spec => {
        const refusal = judge.refusal(spec, sorryOf(spec))
        return refusal === undefined ? [] : { spec, ...refusal }
      })
      for (const one of out) {
        refused.push(one)
        unread.add(placeOf(one.spec.source))
        problems.push(refusedProblem(director, one))
      }
      const gone = new Set(out.map(({ spec }) => spec))
      allowed.set(director, out.length === 0 ? specs : specs.filter(spec => !gone.has(spec)))
    }
    const all = directors.flatMap(({ specs }) => specs)
    const guarded = all.filter(({ vip }) => judge.guards(vip))
    const unguarded = new Set(all.map(({ vip }) => vip)).difference(new Set(guarded.map(({ vip }) => vip)))
    const combined = combine(allowed)
    const result = { ...combined, problems: [...problems, ...combined.problems], unread, refused, guarded, unguarded }
    last = { of: [byDirector, judge, sorry ? own : undefined], result }
    return result
  }
}

/** Finds the service whose real servers are another's sorry servers. */
function createSorryLookup(lists: readonly (readonly ServiceSpec[])[]) {
  let byName: ReadonlyMap<string, ServiceSpec> | undefined
  return ({ sorryService }: ServiceSpec): ServiceSpec | undefined => {
    if (sorryService === undefined) return undefined
    byName ??= new Map(lists.flat().map(spec => [spec.service, spec]))
    return byName.get(sorryService)
  }
}

/** Nobody has refused it: it is not known yet what it may. */
export const isWaiting = ({ code }: Pick<Refusal, 'code'>): boolean => code === 'VIP_UNKNOWN'

const documents = new WeakMap<readonly RefusedSpec[], readonly RefusedDocument[]>()

/** As directors are told; the same list for the same list. */
export function refusedDocuments(refused: readonly RefusedSpec[]): readonly RefusedDocument[] {
  const known = documents.get(refused)
  if (known !== undefined) return known
  const made = refused.map(({ spec: { service, source }, code, reason }) => {
    return { service, file: source.file, line: source.line, code, reason }
  })
  documents.set(refused, made)
  return made
}

function refusedProblem(director: string, { spec, code, reason }: RefusedSpec): SpecProblem {
  const { service, source } = spec
  const { file, line } = source
  const waits = isWaiting({ code })
  const words = `service '${service}' of director ${director} ${waits ? 'waits' : 'is refused on this host'}: ${reason}`
  const problem = { file, line, column: 1, service, reason: words, lastGood: false, code }
  return waits ? { ...problem, severity: 'warning' } : problem
}

interface ParsedDocument {
  readonly text: string
  readonly specs: readonly ServiceSpec[]
  readonly problems: readonly SpecProblem[]
}
