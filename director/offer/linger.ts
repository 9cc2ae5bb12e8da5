import type { SourceDocument } from '../../shared/config/parse.ts'
import { placeOf } from '../../shared/config/parse.ts'
import type { ServiceSpec } from '../../shared/config/service.ts'
import { vmMatcher } from '../../shared/config/vm-pattern.ts'
import { readYaml } from '../../shared/config/yaml.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { specKey, type VirtualService } from '../registry/services.ts'

export interface Linger {
  /**
   * The documents as hosts must have them: a real server that was removed from a file with `drainTimeout` stays in it with weight
   * 0 for that time, so that its host goes on forwarding to it. It is named by UUID. Returns the same list while nothing changes.
   */
  amend(input: LingerInput): readonly SourceDocument[]
  close(): void
}

export interface LingerInput {
  readonly documents: readonly SourceDocument[]
  readonly specs: readonly ServiceSpec[]
  /** Services of the plan that may differ from the last time, and keys of removed services. */
  readonly altered: readonly VirtualService[]
  readonly gone: readonly string[]
}

interface Leaving {
  readonly vm: string
  readonly port: number
  /** Clock milliseconds. */
  readonly until: number
}

/** `mark` is called when a real server's time is over. The times are kept in memory only, so a restart ends them. */
export function createLinger(clock: Clock, mark: (reason: string) => void): Linger {
  let specs: readonly ServiceSpec[] = []
  let byKey: ReadonlyMap<string, ServiceSpec> = new Map()
  /** By service; includes real servers whose time is over while their hosts still have them. */
  const leaving = new Map<string, { readonly spec: ServiceSpec; readonly list: readonly Leaving[] }>()
  let last: {
    readonly of: readonly SourceDocument[]
    readonly text: string
    readonly result: readonly SourceDocument[]
  }
  last = { of: [], text: '', result: [] }
  let cancel = () => {}

  const leavingOf = ({ key, realServers }: VirtualService, spec: ServiceSpec): Leaving[] => {
    const { drainTimeout = 0 } = spec
    if (drainTimeout === 0) return []
    const before = leaving.get(key)?.list ?? []
    const entries = spec.realServers.map(({ vm, port }) => ({ matches: vmMatcher(vm), port }))
    return realServers.flatMap(({ vm, vmUuid, rsPort: port, state }) => {
      if (vmUuid === '' || entries.some(entry => entry.port === port && entry.matches({ name: vm, uuid: vmUuid })))
        return []
      const known = before.find(entry => entry.vm === vmUuid && entry.port === port)
      if (state === 'lost') return known ?? []
      if (state !== 'ready' && state !== 'draining') return []
      return known ?? { vm: vmUuid, port, until: clock.now() + drainTimeout * 1000 }
    })
  }

  return {
    amend: input => {
      if (input.specs !== specs) {
        specs = input.specs
        byKey = new Map(specs.map(spec => [specKey(spec), spec]))
      }
      for (const key of input.gone) leaving.delete(key)
      for (const service of input.altered) {
        const spec = byKey.get(service.key)
        const list = spec === undefined ? [] : leavingOf(service, spec)
        if (spec === undefined || list.length === 0) leaving.delete(service.key)
        else leaving.set(service.key, { spec, list })
      }
      cancel()
      const now = clock.now()
      const next: number[] = []
      const amended = new Map<string, readonly Leaving[]>()
      for (const { spec, list } of leaving.values()) {
        const still = list.filter(({ until }) => until > now)
        if (still.length === 0) continue
        next.push(...still.map(({ until }) => until - now))
        amended.set(placeOf(spec.source), still)
      }
      if (next.length > 0) cancel = clock.after(Math.min(...next), () => mark('drained'))
      const text = JSON.stringify([...amended])
      const { documents } = input
      if (last.of === documents && last.text === text) return last.result
      const result =
        amended.size === 0
          ? documents
          : documents.map(document => {
              const other = amended.get(placeOf(document))
              return other === undefined ? document : { ...document, text: withLeaving(document.text, other) }
            })
      last = { of: documents, text, result }
      return result
    },
    close: () => cancel(),
  }
}

/**
 * Adds the real servers to the document's text. It starts from the text, because the parsed form differs from it (durations,
 * defaults); JSON is YAML.
 */
function withLeaving(text: string, leaving: readonly Leaving[]): string {
  const { realServers, ...rest } = readYaml(text).documents[0]!.value as { readonly realServers: readonly unknown[] }
  const all = [...realServers, ...leaving.map(({ vm, port }) => ({ vm, port, weight: 0 }))]
  return JSON.stringify({ ...rest, realServers: all })
}
