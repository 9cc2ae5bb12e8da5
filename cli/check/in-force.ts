import type { Scheduler, ServiceSpec } from '../../shared/config/service.ts'
import type { FileContent, GoodFile } from '../../shared/config/snapshot.ts'
import { endpoint, familyOf } from '../../shared/net/family.ts'
import type { ServiceStatus__Output } from '../../shared/rpc/gen/crossport/v1/ServiceStatus.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'

const FROM_DIRECTOR = 'director: '

/** The services of a status that come from its own files. */
export const ownServices = ({ services }: Status__Output) => services.filter(({ source }) => /^\//.test(source))

/** On a host: those that its director has sent, as far as the status tells. */
export const sentSpecs = ({ services }: Status__Output) =>
  services.filter(({ source }) => source.startsWith(FROM_DIRECTOR)).map(specOf)

/**
 * Which version of each file is in force, by what daemons say. Where it is no longer the one in the file (that one was
 * rejected), it is made up from the status, and its services are in `partly`.
 */
export function filesInForce(
  files: ReadonlyMap<string, FileContent>,
  statuses: readonly Status__Output[],
): { readonly files: ReadonlyMap<string, GoodFile>; readonly partly: ReadonlySet<ServiceSpec> } {
  const byFile = new Map<string, ServiceSpec[]>()
  for (const service of statuses.flatMap(ownServices)) {
    const spec = specOf(service)
    const there = byFile.get(spec.source.file) ?? []
    if (there.every(one => one.service !== spec.service)) byFile.set(spec.source.file, [...there, spec])
  }
  const good = new Map<string, GoodFile>()
  const partly = new Set<ServiceSpec>()
  for (const [file, specs] of byFile) {
    const content = files.get(file)
    if (content === undefined) continue
    if ('text' in content && isInForce(content, specs)) good.set(file, content)
    else {
      good.set(file, { file, text: '', parsed: { specs, problems: [], documents: [] } })
      for (const spec of specs) partly.add(spec)
    }
  }
  return { files: good, partly }
}

function isInForce({ parsed }: GoodFile, told: readonly ServiceSpec[]): boolean {
  if (parsed.problems.length > 0 || parsed.specs.length !== told.length) return false
  const fronts = new Set(told.map(front))
  return parsed.specs.every(spec => fronts.has(front(spec)))
}

const front = ({ service, vip, protocol, port }: ServiceSpec) => `${service} ${protocol} ${endpoint(vip, port)}`

/** A service as far as a status tells: its real servers are the VMs that serve now. */
export function specOf(status: ServiceStatus__Output): ServiceSpec {
  const { service, vip, port, protocol, scheduler, source, realServers } = status
  const [, director, file = '', line] = /^(director: )?(.*):(\d+)$/.exec(source) ?? []
  return {
    service,
    vip,
    port,
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    scheduler: scheduler as Scheduler,
    clients: [familyOf(vip).anyone],
    arp: 'answer',
    realServers: realServers.map(({ vm, rsPort, weight }) => ({ vm, port: rsPort, weight })),
    source: { origin: director === undefined ? 'file' : 'director', file, line: Number(line) },
  }
}
