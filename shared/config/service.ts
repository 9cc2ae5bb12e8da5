import type { ErrorCode } from '../errors.ts'
import type { CheckSpec } from './check.ts'

/**
 * A virtual service as written in a service file (see docs/service-file.md), validated and with defaults filled in.
 * Both daemons read the same files; the agent also receives documents from its director.
 */
export interface ServiceSpec {
  readonly service: string
  readonly vip: string
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  readonly scheduler: Scheduler
  /** CIDR blocks in canonical form (host bits zero); ['0.0.0.0/0'] when the file names none. */
  readonly clients: readonly string[]
  readonly arp: 'answer' | 'drop'
  readonly realServers: readonly RealServerSpec[]
  /** Undefined: a real server is ready as soon as its VIP and flows are. */
  readonly check?: CheckSpec | undefined
  readonly source: SpecSource
  /** Seconds in which a real server that has become ready reaches its full share. */
  readonly slowStart?: number | undefined
  /** Seconds after which the last connections of a draining real server are given up; undefined: never. */
  readonly drainTimeout?: number | undefined
  readonly persistence?: Persistence | undefined
  /** What happens to connections of a real server that is down: reset (the default), or kept until it is back. */
  readonly onFailure?: 'reset' | 'keep' | undefined
  /** What happens to requests while no real server can serve: refused with RST or ICMP (the default), or dropped. */
  readonly onEmpty?: 'reject' | 'drop' | undefined
  /** Takes a real server that accepts no connection out of scheduling; undefined: it is only reported. TCP only. */
  readonly passive?: PassiveSpec | undefined
  /** Name of a service whose real servers get connections only when none of this service can (sorry-service.ts). */
  readonly sorryService?: string | undefined
}

/** Sends a client to the real server of its last connection (ipvsadm(8), --persistent and --netmask). */
export interface Persistence {
  /** Seconds since the client's last new connection. */
  readonly timeout: number
  /** Addresses that are equal under this netmask count as one client. */
  readonly mask: string
}

export interface PassiveSpec {
  /** Number of new connections in a row without an accepted one. */
  readonly fall: number
  /** Milliseconds until a trial connection; doubled after each failed one. */
  readonly retry: number
  /** Percent of failing real servers from which all are kept in scheduling; 0: never. */
  readonly panic: number
}

export interface RealServerSpec {
  /** libvirt domain name (glob) or UUID */
  readonly vm: string
  readonly port: number
  /** 0 drains */
  readonly weight: number
  /** No new connections from this many active ones on (0: no limit), until there are fewer than `lthreshold` (0: 3/4 of it). */
  readonly uthreshold?: number | undefined
  readonly lthreshold?: number | undefined
  /** Gets connections only when no other real server can. */
  readonly sorry?: boolean | undefined
  /** A sorry server whose service a director has told of, in a service of a file. */
  readonly origin?: 'director'
}

/** Where a document was read, for messages: `file:line`, or the director that sent it. */
export interface SpecSource {
  readonly origin: 'file' | 'director'
  readonly file: string
  readonly line: number
}

/** Names of the schedulers, as in ipvsadm(8). */
export const SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'sh', 'dh', 'mh'] as const

export type Scheduler = (typeof SCHEDULERS)[number]

/** A file, or a document in it, that is not in force, and why. Status shows it and the journal has it. */
export interface SpecProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly service?: string
  /** What is wrong and how to mend it, in one sentence. */
  readonly reason: string
  /** True when the last good version of this file stays in force. */
  readonly lastGood: boolean
  /** Default: SPEC_INVALID. */
  readonly code?: ErrorCode
  /** Default: error. */
  readonly severity?: 'warning'
}
