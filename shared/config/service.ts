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
  readonly source: SpecSource
}

export interface RealServerSpec {
  /** libvirt domain name (glob) or UUID */
  readonly vm: string
  readonly port: number
  /** 0 drains */
  readonly weight: number
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
