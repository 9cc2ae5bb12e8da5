import type { RealServerReport } from '../../shared/rpc/real-server.ts'
import type { HostReport } from '../intake/types.ts'

/** A host as the director knows it. */
export interface Host extends HostReport {
  /** Order in which hosts became known: of two claims to one address, the older host's holds. */
  readonly seq: number
  /** `lost`: its lease has ended. It is kept for the sake of its established connections. */
  readonly state: 'alive' | 'lost'
  /** Clock milliseconds after which an `alive` host is lost. */
  readonly leaseExpiresAt: number
}

/** Everything that is known about the fleet. Never changed in place. */
export interface Registry {
  readonly hosts: ReadonlyMap<string, Host>
  readonly nextSeq: number
  /** Changes with everything that matters to scheduling, so not with a prolonged lease. */
  readonly revision: number
}

/** One real server of the fleet, with everything that forwarding needs. */
export interface RealServer extends Omit<RealServerReport, 'id' | 'state'> {
  /** `<host id>/<the agent's id>`; names its mark. */
  readonly id: string
  readonly hostId: string
  readonly hostMac: string
  readonly hostIp: string
  /** State as reported, or `lost` when its host's lease has ended. */
  readonly state: RealServerReport['state'] | 'lost'
  /** It does not accept connections (schedule/acceptance.ts), and the service file wants it out of scheduling. */
  readonly barred?: 'out' | 'trial'
  /** Its terms in the director's own service file, besides the weight. */
  readonly terms?: { readonly upper: number; readonly lower: number; readonly sorry: boolean }
}

/** A refused claim, and the reason. */
export interface RegistryProblem {
  /** Default: REGISTRY_CONFLICT. */
  readonly code?: 'STORE_FAILED' | 'HOST_SERVICE_REFUSED'
  readonly subject: string
  readonly service: string
  readonly reason: string
}
