import type { CheckSpec } from '../../shared/config/check.ts'

/** One real server to be checked. */
export interface CheckTarget {
  /** The real server's (real-servers/types.ts). */
  readonly key: string
  readonly service: string
  readonly vm: string
  readonly vmUuid: string
  /** A new run of the VM is a new real server: nothing is known of it. */
  readonly runId: number | undefined
  readonly vip: string
  readonly port: number
  readonly check: CheckSpec
  /** Where the agent connects to so that the bridge leads it to this VIP in this VM; undefined where nothing is sent. */
  readonly address: string | undefined
  /** Why it cannot be checked now: nothing counts until that is gone. */
  readonly obstacle: string | undefined
  /** It served before it was checked: it counts as up until its checks say otherwise. */
  readonly presumedUp: boolean
}

/** What one check came to. `impossible`: it says nothing about the real server. */
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
  /** For the operator: why it is not up, or what is odd about it. Changes only when something else is wrong. */
  readonly reason: string
}

/** Packets of the clients that a real server's flows have counted, ever. */
export interface Traffic {
  readonly requests: number
  readonly replies: number
}
