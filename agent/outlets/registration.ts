import type { Log } from '../../shared/log.ts'
import type { TlsFiles } from '../../shared/rpc/tls.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Timeline } from '../../shared/run/timeline.ts'
import type { Cells } from '../cells.ts'
import type { AgentConfig } from '../config/schema.ts'
import { withDirector, withDocuments } from '../directors.ts'
import type { Outcome } from '../outcome.ts'
import { createReporter, type HostIdentity, type HostReporter } from '../report/reporter.ts'
import { NO_REPORTS } from '../report/reports.ts'
import type { ReportHandlers } from '../report/types.ts'
import { isWaiting } from '../stations/documents.ts'

export interface RegistrationOutletOptions {
  readonly config: Pick<AgentConfig, 'hostId' | 'director'>
  /** Undefined: directors are talked to in the clear. */
  readonly tls?: TlsFiles | undefined
  readonly version: string
  /** Of this machine as it runs now; empty: not known. */
  readonly bootId: string
  /** Of this run of the agent. */
  readonly runId: string
  readonly cells: Pick<Cells, 'inputs' | 'outcome' | 'registrations' | 'reports'>
  readonly timeline: Timeline
  readonly log: Log
  readonly clock: Clock
}

export interface RegistrationOutlet {
  /** Called after each pass; the first call that finds reports dials, for a director must not hear of half a host. */
  take(outcome: Outcome): void
  close(): Promise<void>
}

/**
 * Registers this host and its real servers with each configured director, and keeps what directors say in cells. The next pass
 * writes that to the state file, because a handler has nobody to tell when it cannot be written.
 */
export function createRegistrationOutlet({
  config,
  tls,
  version,
  bootId,
  runId,
  cells,
  timeline,
  log,
  clock,
}: RegistrationOutletOptions): RegistrationOutlet {
  const { directors, documents, hostIp } = cells.inputs
  const reporters = new Map<string, HostReporter>()
  let told = NO_REPORTS
  let toldRefused: Outcome['refused'] = []
  /** What a state file remembers is whole; without one, it is once a pass over the documents has found nobody pending. */
  let whole = documents.get().heard

  const handlersFor = (address: string): ReportHandlers => ({
    onDirector: info => directors.set(withDirector(directors.get(), address, info, config.director)),
    onServices: list => documents.set(withDocuments(documents.get(), address, list, config.director)),
    onState: (state, reason, code) => {
      if (state === 'registered') timeline.add('registered', config.hostId, reason)
      cells.registrations.set(new Map(cells.registrations.get()).set(address, { state, reason, code }))
    },
  })

  /** As it is now: whatever of it changes, each director hears of it at once. */
  const identity = (): HostIdentity => ({
    hostId: config.hostId,
    hostMac: cells.outcome.get().hostMac,
    // Only an overlay's director needs it, and an overlay's agent makes no pass without it.
    hostIp: hostIp.get() ?? '',
    version,
    bootId,
    runId,
  })

  const dial = (address: string) => {
    const reporter = createReporter({ address, tls, identity: identity(), log, clock, handlers: handlersFor(address) })
    reporters.set(address, reporter)
  }

  const tellIdentity = () => {
    for (const reporter of reporters.values()) reporter.setIdentity(identity())
  }
  const stopListening = hostIp.subscribe(tellIdentity)

  return {
    take: ({ documents: passed, refused }) => {
      const { heard, byDirector } = documents.get()
      const reports = cells.reports.get()
      // The outlet of the reports has failed: they are not those of this outcome.
      if (reports === told && refused === toldRefused) return
      toldRefused = refused
      told = reports
      const { list } = reports
      whole ||=
        heard && passed === byDirector && list.every(({ state }) => state !== 'pending') && !refused.some(isWaiting)
      for (const address of config.director) if (!reporters.has(address)) dial(address)
      tellIdentity()
      for (const reporter of reporters.values()) reporter.update(list, whole, refused)
    },
    close: async () => {
      stopListening()
      for (const reporter of reporters.values()) await reporter.close()
    },
  }
}
