import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Timeline } from '../../shared/run/timeline.ts'
import type { Cells } from '../cells.ts'
import type { AgentConfig } from '../config/schema.ts'
import { findHostIp } from '../host.ts'
import type { Outcome } from '../outcome.ts'
import type { createReporter, HostIdentity, HostReporter } from '../report/reporter.ts'
import type { ReportHandlers } from '../report/types.ts'

export interface OfferOutletOptions {
  readonly config: Pick<AgentConfig, 'hostId' | 'hostIp' | 'bridge' | 'director' | 'tls'>
  readonly version: string
  readonly cells: Pick<Cells, 'inputs' | 'registration' | 'reports'>
  readonly timeline: Timeline
  readonly log: Log
  readonly clock: Clock
}

export interface OfferOutlet {
  /** Called after each pass; the first call dials, for a director must not hear of half a host. */
  take(outcome: Outcome): void
  close(): Promise<void>
}

/** Offers this host's real servers to each configured director, and takes down what directors say; the next pass
 * writes it to the state file, for a handler has nobody to tell when that cannot be written. */
export function createOfferOutlet({ config, version, cells, timeline, log, clock }: OfferOutletOptions): OfferOutlet {
  const { directors, documents } = cells.inputs
  let reporters: Promise<readonly HostReporter[]> | undefined
  /** What a state file remembers is whole; without one, it is once a pass over the documents has found nobody pending. */
  let whole = documents.get().heard

  const handlersFor = (address: string): ReportHandlers => ({
    onDirector: info => {
      const { active, all } = directors.get()
      // A standby is heard, but only the active director's MAC answers for the VIPs.
      const leads = info.active || active === undefined || active.id === info.id
      directors.set({ active: leads ? info : active, all: new Map([...all, [address, info]]) })
    },
    onServices: list => documents.set({ heard: true, list }),
    onState: (state, reason) => {
      if (state === 'registered') timeline.add('registered', config.hostId, reason)
      cells.registration.set({ state, reason })
    },
  })

  const identify = async (hostMac: string): Promise<HostIdentity> => ({
    hostId: config.hostId,
    hostMac,
    hostIp: config.hostIp ?? (await findHostIp(config.bridge, config.director[0])) ?? '',
    version,
  })

  const dial = (create: typeof createReporter, address: string, identity: HostIdentity) =>
    create({ address, tls: config.tls, identity, log, clock, handlers: handlersFor(address) })

  const dialAll = async (hostMac: string) => {
    if (config.director.length === 0) return []
    const identity = await identify(hostMac)
    // gRPC is not small, and nothing before this needs it.
    const { createReporter } = await import('../report/reporter.ts')
    return config.director.map(address => dial(createReporter, address, identity))
  }

  return {
    take: ({ hostMac, documents: passed }) => {
      const { heard, list } = documents.get()
      whole ||= heard && passed === list && cells.reports.get().list.every(({ state }) => state !== 'pending')
      reporters ??= dialAll(hostMac)
      // The newest reports, should there have been others while gRPC was loaded.
      void reporters.then(all => {
        for (const reporter of all) reporter.update(cells.reports.get().list, whole)
      })
    },
    close: async () => {
      for (const reporter of (await reporters) ?? []) await reporter.close()
    },
  }
}
