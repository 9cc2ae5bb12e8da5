import type { ErrorCode } from '../../shared/errors.ts'

/** What a director may have this host do; a host's own files may anything. */
export interface Policy {
  /** CIDR blocks; undefined: the networks that NICs of this host's VMs are in. */
  readonly allowedVips?: readonly string[] | undefined
  /** Patterns of VMs, as in a service file. */
  readonly allowedVms: readonly string[]
  /** Checks may run commands in guests. */
  readonly guestExec: boolean
}

/** A VM of this host, as far as its networks go. */
export interface KnownVm {
  readonly uuid: string
  readonly name: string
  /** Own addresses of its NICs with their prefix lengths: `10.10.1.21/24`. Undefined: not known of all. */
  readonly addresses: readonly string[] | undefined
  /** Why they are not known, in words. */
  readonly silent: string
}

export interface Refusal {
  readonly code: ErrorCode
  /** What, and how to mend it. */
  readonly reason: string
  /** VMs (UUID) whose addresses would tell more. */
  readonly ask: readonly string[]
}

/** A VM calls a VIP its own address. */
export interface VipClaim {
  /** Name of the VM. */
  readonly vm: string
  readonly vip: string
  /** False: the VM had said so before this host heard of the VIP. */
  readonly guarded: boolean
}
