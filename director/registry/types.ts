import type { RealServerReport } from '../../shared/rpc/real-server.ts'
import type { HostReport } from '../intake/types.ts'

/** A host as the director knows it. */
export interface Host extends HostReport {
  /** Order in which hosts became known: of two claims for one address, the elder stands. */
  readonly seq: number
  /** `lost`: its lease has run out. It is kept, so that its established connections are. */
  readonly state: 'alive' | 'lost'
  /** Clock milliseconds after which an `alive` host is lost. */
  readonly leaseExpiresAt: number
}

/** All that is known of the fleet. Never changed in place. */
export interface Registry {
  readonly hosts: ReadonlyMap<string, Host>
  readonly nextSeq: number
  /** Another with every change that matters to scheduling; a lease that is only longer is none. */
  readonly revision: number
}

/** One real server of the fleet, with all that forwarding to it takes. */
export interface RealServer extends Omit<RealServerReport, 'id' | 'state'> {
  /** `<host id>/<the agent's id>`; names its mark for ever. */
  readonly id: string
  readonly hostId: string
  readonly hostMac: string
  readonly hostIp: string
  /** As reported, or `lost` when its host's lease has run out. */
  readonly state: RealServerReport['state'] | 'lost'
  /** It does not accept connections (schedule/acceptance.ts), and the service file wants that acted on. */
  readonly barred?: 'out' | 'trial'
  /** What the director's own service file says of it beyond its weight. */
  readonly terms?: { readonly upper: number; readonly lower: number; readonly sorry: boolean }
}

/** A claim that is not in force, and why. */
export interface RegistryProblem {
  /** Default: REGISTRY_CONFLICT. */
  readonly code?: 'STORE_FAILED'
  readonly subject: string
  readonly service: string
  readonly reason: string
}
