import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/run/clock.ts'
import type { Timeline } from '../shared/run/timeline.ts'
import type { AgentConfig } from './config/schema.ts'
import { findHostIp } from './host.ts'
import type { Inputs } from './inputs.ts'
import type { createReporter, HostIdentity, HostReporter } from './report/reporter.ts'
import type { ReportedRealServer } from './report/types.ts'
import type { DirectorDocument } from './store/types.ts'

export interface ReportingOptions {
  readonly config: AgentConfig
  readonly version: string
  readonly inputs: Inputs
  readonly timeline: Timeline
  readonly log: Log
  readonly clock: Clock
  /** One of the inputs has changed. */
  mark(reason: string): void
  /** Only what status shows has changed. */
  touched(): void
}

export interface Reporting {
  /** Called after each pass; the first call dials, for a director must not hear of half a host. */
  update(list: readonly ReportedRealServer[], hostMac: string, documents: readonly DirectorDocument[]): void
  close(): Promise<void>
}

/** Keeps one reporter for each configured director, and takes what directors say into the inputs; the next pass
 * writes it to the state file, for a handler has nobody to tell when that cannot be written. */
export function createReporting(options: ReportingOptions): Reporting {
  const { config, inputs, log, clock } = options
  let reporters: Promise<readonly HostReporter[]> | undefined
  let latest: readonly ReportedRealServer[] = []
  /** What a state file remembers is whole; without one, it is once a pass over the documents has found nobody pending. */
  let whole = inputs.heardDocuments

  const identify = async (hostMac: string): Promise<HostIdentity> => ({
    hostId: config.hostId,
    hostMac,
    hostIp: config.hostIp ?? (await findHostIp(config.bridge, config.director[0])) ?? '',
    version: options.version,
  })

  const dial = (create: typeof createReporter, address: string, identity: HostIdentity) =>
    create({
      address,
      tls: config.tls,
      identity,
      log,
      clock,
      handlers: {
        onDirector: info => {
          inputs.directors = new Map([...inputs.directors, [address, info]])
          // A standby is heard, but only the active director's MAC answers for the VIPs.
          if (info.active || inputs.director === undefined || inputs.director.id === info.id) inputs.director = info
          options.mark('director')
        },
        onServices: documents => {
          inputs.documents = documents
          inputs.heardDocuments = true
          options.mark('services of the director')
        },
        onState: (state, reason) => {
          inputs.directorState = { state, reason }
          if (state === 'registered') options.timeline.add('registered', config.hostId, reason)
          options.touched()
        },
      },
    })

  const dialAll = async (hostMac: string) => {
    if (config.director.length === 0) return []
    const identity = await identify(hostMac)
    // gRPC is not small, and nothing before this needs it.
    const { createReporter } = await import('./report/reporter.ts')
    return config.director.map(address => dial(createReporter, address, identity))
  }

  return {
    update: (list, hostMac, documents) => {
      latest = list
      whole ||=
        inputs.heardDocuments && documents === inputs.documents && list.every(({ state }) => state !== 'pending')
      reporters ??= dialAll(hostMac)
      void reporters.then(all => {
        for (const reporter of all) reporter.update(latest, whole)
      })
    },
    close: async () => {
      for (const reporter of (await reporters) ?? []) await reporter.close()
    },
  }
}
