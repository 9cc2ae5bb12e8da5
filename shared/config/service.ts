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
  /** CIDR blocks, canonical (host bits zero); ['0.0.0.0/0'] when the file names none. */
  readonly clients: readonly string[]
  readonly arp: 'answer' | 'drop'
  readonly realServers: readonly RealServerSpec[]
  /** Undefined: a real server is ready as soon as its VIP and flows are. */
  readonly check?: CheckSpec | undefined
  readonly source: SpecSource
  /** Seconds over which a real server that has become ready gets up to its whole share. */
  readonly slowStart?: number | undefined
  /** Seconds after which a draining real server's last connections are given up; without it they may stay for ever. */
  readonly drainTimeout?: number | undefined
  readonly persistence?: Persistence | undefined
  /** Connections of a real server that is down: reset (the default), or kept for when it comes back. */
  readonly onFailure?: 'reset' | 'keep' | undefined
  /** Requests while nobody can serve: refused with RST or ICMP (the default), or dropped. */
  readonly onEmpty?: 'reject' | 'drop' | undefined
  /** A real server that accepts no connection leaves scheduling; without it that is only told. TCP. */
  readonly passive?: PassiveSpec | undefined
  /** Name of a service whose real servers get connections only when none of this one's can (sorry-service.ts). */
  readonly sorryService?: string | undefined
}

/** A client goes to the real server that it went to last (ipvsadm(8), --persistent and --netmask). */
export interface Persistence {
  /** Seconds since the client's last new connection. */
  readonly timeout: number
  /** Addresses that are equal under it count as one client. */
  readonly mask: string
}

export interface PassiveSpec {
  /** New connections in a row of which none is accepted. */
  readonly fall: number
  /** Milliseconds until a trial connection; twice as many after each that fails. */
  readonly retry: number
  /** Percent of failing real servers from which all are kept; 0: never. */
  readonly panic: number
}

export interface RealServerSpec {
  /** libvirt domain name (glob) or UUID */
  readonly vm: string
  readonly port: number
  /** 0 drains */
  readonly weight: number
  /** No new connections at this many active ones (0: no limit), until they are fewer than `lthreshold` (0: 3/4 of it). */
  readonly uthreshold?: number | undefined
  readonly lthreshold?: number | undefined
  /** Gets connections only when no other real server can. */
  readonly sorry?: boolean | undefined
}

/** Where a document was read, for messages: `file:line`, or the director that sent it. */
export interface SpecSource {
  readonly origin: 'file' | 'director'
  readonly file: string
  readonly line: number
}

export type Scheduler = 'rr' | 'wrr' | 'lc' | 'wlc' | 'sed' | 'nq' | 'sh' | 'dh' | 'mh'

/** A file, or one document in it, that is not in force, and why. Shown by status and written to the journal. */
export interface SpecProblem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly service?: string
  /** What is wrong and how to mend it, one sentence. */
  readonly reason: string
  /** True when the last good version of this file stays in force. */
  readonly lastGood: boolean
}
