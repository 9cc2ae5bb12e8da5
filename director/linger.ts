import { parseServiceFile, type SourceDocument } from '../shared/config/parse.ts'
import type { ServiceSpec } from '../shared/config/service.ts'
import { vmMatcher } from '../shared/config/vm-pattern.ts'
import type { Clock } from '../shared/run/clock.ts'
import type { Registry } from './registry/types.ts'

export interface Linger {
  /**
   * The documents as hosts are to have them: a real server that has been taken out of a file with `drainTimeout` stays
   * in it with weight 0 for so long, so that its host goes on forwarding to it. It is named by UUID.
   */
  amend(
    documents: readonly SourceDocument[],
    specs: readonly ServiceSpec[],
    registry: Registry,
  ): readonly SourceDocument[]
  close(): void
}

interface Leaving {
  readonly vm: string
  readonly port: number
}

/** `mark` is called when a time is over. Only this process remembers who lingers: a restart ends it. */
export function createLinger(clock: Clock, mark: (reason: string) => void): Linger {
  const since = new Map<string, number>()
  let cancel = () => {}

  const leaving = (spec: ServiceSpec, registry: Registry, seen: Set<string>, next: number[]): Leaving[] => {
    const { drainTimeout = 0 } = spec
    if (drainTimeout === 0) return []
    const entries = spec.realServers.map(({ vm, port }) => ({ matches: vmMatcher(vm), port }))
    return [...registry.hosts.values()]
      .flatMap(host => [...host.realServers.values()])
      .filter(
        rs => rs.service === spec.service && rs.vmUuid !== '' && (rs.state === 'ready' || rs.state === 'draining'),
      )
      .filter(rs => !entries.some(entry => entry.port === rs.rsPort && entry.matches({ name: rs.vm, uuid: rs.vmUuid })))
      .filter(rs => {
        const key = `${spec.service} ${rs.vmUuid} ${rs.rsPort}`
        seen.add(key)
        if (!since.has(key)) since.set(key, clock.now())
        const left = since.get(key)! + drainTimeout * 1000 - clock.now()
        if (left > 0) next.push(left)
        return left > 0
      })
      .map(rs => ({ vm: rs.vmUuid, port: rs.rsPort }))
  }

  return {
    amend: (documents, specs, registry) => {
      cancel()
      const seen = new Set<string>()
      const next: number[] = []
      const byService = new Map(specs.map(spec => [spec.service, leaving(spec, registry, seen, next)]))
      for (const key of since.keys()) if (!seen.has(key)) since.delete(key)
      if (next.length === 0) return documents
      cancel = clock.after(Math.min(...next), () => mark('drained'))
      return documents.map(document => withLeaving(document, byService))
    },
    close: () => cancel(),
  }
}

function withLeaving(document: SourceDocument, byService: ReadonlyMap<string, readonly Leaving[]>): SourceDocument {
  const spec = parseServiceFile(document.text, document.file).specs[0]
  const leaving = spec === undefined ? [] : (byService.get(spec.service) ?? [])
  if (spec === undefined || leaving.length === 0) return document
  const { source: _, realServers, ...rest } = spec
  const all = [...realServers, ...leaving.map(rs => ({ ...rs, weight: 0 }))]
  // JSON is YAML.
  return { ...document, text: JSON.stringify({ ...rest, realServers: all }) }
}
