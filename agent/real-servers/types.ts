import type { CheckSpec } from '../../shared/config/check.ts'
import type { Persistence, Scheduler, ServiceSpec } from '../../shared/config/service.ts'
import type { Allocation } from '../store/types.ts'

/**
 * One real server of one virtual service on this host: a VM's port, with everything the compiler, the guests and
 * the report need to know about it. Plain data, derived anew at every pass.
 */
export interface RealServer {
  /** `service/vm-uuid/port`: stable across restarts of VM, agent and switch. */
  readonly key: string
  /** Small number that stands for `key` in cookies; kept in SQLite. */
  readonly id: number
  readonly service: string
  readonly vip: string
  readonly protocol: 'tcp' | 'udp'
  readonly vipPort: number
  readonly rsPort: number
  /** Destination port between director and host: host MAC and ingress port name exactly one real server. */
  readonly ingressPort: number
  readonly weight: number
  readonly scheduler: Scheduler
  readonly clients: readonly string[]
  readonly arp: 'answer' | 'drop'
  readonly check?: CheckSpec | undefined
  readonly persistence?: Persistence | undefined
  readonly vm: {
    readonly uuid: string
    readonly name: string
    readonly running: boolean
    readonly runId: number | undefined
  }
  /** Where the VM is attached; undefined when it is not, and `obstacle` says why. */
  readonly attachment: Attachment | undefined
  /** Why it cannot serve now. */
  readonly obstacle: string | undefined
}

export interface Attachment {
  readonly mac: string
  readonly port: string
  readonly ofport: number
  readonly tag: number | undefined
}

/** Something that an operator must mend. Other real servers are not affected. */
export interface RealServerProblem {
  readonly severity: 'error' | 'warning'
  readonly code:
    | 'VM_NOT_ALLOWED'
    | 'SERVICE_AMBIGUOUS'
    | 'REAL_SERVER_DUPLICATE'
    | 'INGRESS_PORTS_EXHAUSTED'
    | 'STORE_FAILED'
  readonly subject: string
  readonly message: string
}

export interface Resolution {
  readonly realServers: readonly RealServer[]
  readonly problems: readonly RealServerProblem[]
  /** The numbers that the store must hold after this pass. */
  readonly allocations: readonly Allocation[]
}

export type { ServiceSpec }
