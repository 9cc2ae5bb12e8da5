import type { ExecutionContext } from 'ava'
import { createReporter, type HostIdentity } from '../../../agent/report/reporter.ts'
import type { DirectorDocument, DirectorInfo } from '../../../agent/store/types.ts'
import { type Agents, type AgentsOptions, serveAgents } from '../../../director/intake/agents.ts'
import type { HostReport, Offer } from '../../../director/intake/types.ts'
import { agentHandlers } from '../../../director/parts/agents.ts'
import { emptyRegistry } from '../../../director/registry/registry.ts'
import type { Log } from '../../../shared/log.ts'
import type { TlsFiles } from '../../../shared/rpc/tls.ts'
import { createCell, createTopic } from '../../../shared/run/cell.ts'
import { type Clock, systemClock } from '../../../shared/run/clock.ts'
import { reported } from '../registry/fixture.ts'
import { memoryLog } from '../run/memory-log.ts'

export const identity: HostIdentity = {
  hostId: 'rs1',
  hostMac: '02:00:00:00:00:20',
  hostIp: '172.24.1.20',
  version: '1',
}

export const rs = reported('web/web-1')

/** The offer of a director with these documents. */
export function offer(change: Partial<Offer['request']> = {}, texts: readonly string[] = []): Offer {
  const documents = texts.map((text, i) => ({ file: 'web.yaml', line: i + 1, text }))
  return {
    request: { directorId: 'd1', directorMac: '02:00:00:00:01:00', leaseMs: 6000, active: true, ...change },
    documents,
    revision: texts.join(),
  }
}

/** Everything that either side receives, and a function that waits for it. */
export function recorder() {
  const events: string[] = []
  let waiters: (() => void)[] = []
  return {
    events,
    note: (event: string) => {
      events.push(event)
      const woken = waiters
      waiters = []
      for (const wake of woken) wake()
    },
    async until(pattern: RegExp): Promise<string> {
      for (;;) {
        const at = events.findIndex(event => pattern.test(event))
        if (at >= 0) return events.splice(0, at + 1).at(-1)!
        await new Promise<void>(resolve => waiters.push(resolve))
      }
    },
  }
}

type Recorder = ReturnType<typeof recorder>

interface DirectorOptions extends Partial<Pick<AgentsOptions, 'register' | 'add'>> {
  readonly tls?: TlsFiles
  readonly addressed?: boolean
  readonly leaseMs?: number
  readonly clock?: Clock
  readonly log?: Log
}

export function startDirector(
  listen: string,
  heard: Recorder,
  { tls, addressed = false, leaseMs = 6000, clock = systemClock, log = memoryLog(), ...more }: DirectorOptions = {},
): Promise<Agents> {
  const list = (report: HostReport) => [...report.realServers.values()].map(one => `${one.id}=${one.state}`).join()
  const noteDocuments = (refused: HostReport['refusedDocuments']) => {
    if (refused !== undefined)
      heard.note(`not in force: ${refused.map(({ service, place, reason }) => `${service} ${place} ${reason}`)}`)
  }
  return serveAgents({
    ...more,
    listen,
    tls,
    addressed,
    leaseMs,
    clock,
    log,
    handlers: {
      onRefused: () => heard.note('refused'),
      onRegistration: (report, peer) => {
        if (peer.name !== undefined) heard.note(`certificate of ${peer.name}`)
        heard.note(`address ${report.hostIp}`)
        noteDocuments(report.refusedDocuments)
        heard.note(`registered ${report.hostId} ${report.hostMac} ${list(report)}`)
      },
      onDelta: (id, { upserted, removedIds, refusedDocuments }) => {
        noteDocuments(refusedDocuments)
        heard.note(`delta ${id} +${upserted.map(one => `${one.id}=${one.state}`)} -${removedIds}`)
      },
      onAlive: id => heard.note(`alive ${id}`),
    },
  })
}

export function startReporter(
  t: ExecutionContext,
  address: string,
  told: Recorder,
  options: { tls?: TlsFiles; identity?: HostIdentity } = {},
) {
  const log = memoryLog()
  const reporter = createReporter({
    address,
    identity,
    log,
    clock: systemClock,
    handlers: {
      onDirector: (info: DirectorInfo) => told.note(`director ${info.id} ${info.mac} ${info.leaseMs} ${info.active}`),
      onServices: (documents: readonly DirectorDocument[]) => told.note(`services ${documents.map(one => one.text)}`),
      onState: (state, reason, code) => told.note(`${state}: ${reason}${code === undefined ? '' : ` (${code})`}`),
    },
    ...options,
  })
  t.teardown(() => reporter.close())
  return Object.assign(reporter, { log })
}

/**
 * The director's own handlers, over a registry and nothing else: no bridge, no files, no address of its own.
 *
 * @param services - of its last plan
 */
export function registryHandlers(
  { leaseMs, clock }: { leaseMs: number; clock: Clock },
  services: readonly { readonly vip: string }[] = [],
) {
  const registry = createCell(emptyRegistry())
  const cells = {
    registry,
    changed: createTopic<void>(),
    agents: createCell(undefined),
    site: createCell(undefined),
    services: createCell({ specs: [] }),
    outcome: createCell({ plan: { services } }),
    ownAddresses: createCell({ own: new Set(), gateways: new Set() }),
  }
  return { registry, handlers: agentHandlers({ cells, config: { leaseMs }, clock } as never) }
}
