import type { Edit } from '../edits.ts'

/** What an owner's detection may look at: the state of the guest, not what is installed in it. */
export interface Look {
  /** Name of the NIC in the guest. */
  readonly nic: string
  /** Text of a file; undefined when it is not there or must not be read. */
  read(path: string): Promise<string | undefined>
  /** What a program prints; undefined when it is not there, or fails. It answers in the same words in all languages. */
  run(program: string, ...args: readonly string[]): Promise<string | undefined>
  /** The first of these paths that is there. */
  find(...paths: readonly string[]): Promise<string | undefined>
}

/** A network manager that may own a NIC: it gives the NIC its addresses, and takes them away. */
export interface Owner {
  /** Name that operators know it by. */
  readonly name: string
  /** Looks whether it owns the NIC. */
  detect(look: Look): Promise<Owned | undefined>
}

/** A NIC and the manager that owns it. */
export interface Owned {
  readonly owner: string
  /** By what it was recognised, for the operator. */
  readonly why: string
  /**
   * The ways to make it keep the VIP, best first: the first whose files are free or ours is taken. Always the same for the same
   * VIP. A text says why there is none. None of them needs an activation: the address is set beside the manager, with ip(8), because
   * what a manager does to reload takes the owner's addresses away for a moment.
   */
  edits(vip: string): readonly (readonly Edit[])[] | string
}
