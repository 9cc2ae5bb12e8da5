import type { CheckSpec } from '../../shared/config/check.ts'

/** One real server to be checked. */
export interface CheckTarget {
  /** Key of the real server (real-servers/types.ts). */
  readonly key: string
  readonly service: string
  readonly vm: string
  readonly vmUuid: string
  /** libvirt's id of the VM's run: results of an earlier run do not count. */
  readonly runId: number | undefined
  readonly vip: string
  readonly port: number
  readonly check: CheckSpec
  /** Address that the bridge leads to this VIP in this VM; undefined for a check that sends no packets. */
  readonly address: string | undefined
  /** Why it cannot be checked now; no result counts meanwhile. */
  readonly obstacle: string | undefined
  /** It served before it had a check: it counts as up until its checks fail. */
  readonly presumedUp: boolean
}

/** Result of one check. `impossible`: it says nothing about the real server. */
export type ProbeResult =
  | { readonly kind: 'good'; readonly detail: string }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'impossible'; readonly reason: string }

/** Performs one check within `check.timeout`. Never rejects. */
export type Prober = (target: CheckTarget, signal: AbortSignal) => Promise<ProbeResult>

/** What is known of one real server's health. */
export interface Health {
  /** unknown: its checks have not succeeded often enough yet. */
  readonly verdict: 'unknown' | 'up' | 'down'
  /** For the operator: why it is not up, or what is odd about it. It changes only when the cause does. */
  readonly reason: string
}

/** Packets of clients that a real server's flows have counted in total. */
export interface Traffic {
  readonly requests: number
  readonly replies: number
}
