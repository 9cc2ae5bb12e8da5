import type { Family } from '../../../shared/net/types.ts'
import type { GuestFiles } from '../files.ts'

/** How one network manager is told of a second address, so that it is there again after a reboot. One file each. */
export interface PersistWriter {
  /** As the operator knows it. */
  readonly name: string
  /** Of the VIPs that it can keep. */
  readonly families: readonly Family[]
  /** Whether this one manages the NIC. */
  detect(files: GuestFiles, nic: string): Promise<boolean>
  /** Paths for our file, best first; empty where there is none. Deterministic; the first that is free or ours is taken. */
  paths(nic: string, vip: string): readonly string[]
  /** The file's text without our first line; comments start with #. */
  text(nic: string, vip: string, path: string): string
}
