import type { Family } from '../../../shared/net/types.ts'
import type { GuestFiles } from '../files.ts'

/** Makes one network manager keep a second address over a reboot, with one file per address. */
export interface PersistWriter {
  /** Name that operators know it by. */
  readonly name: string
  /** Address families of the VIPs that it can keep. */
  readonly families: readonly Family[]
  /** Whether it manages the NIC. */
  detect(files: GuestFiles, nic: string): Promise<boolean>
  /**
   * Paths for our file, best first; empty when there is none. The same for the same arguments; the first that is free or ours is
   * used.
   */
  paths(nic: string, vip: string): readonly string[]
  /** Path of the file beside ours whose mode and owner ours gets. */
  neighbour(nic: string): string
  /** The file's text without our first line. A line that begins with # is a comment. */
  text(nic: string, vip: string, path: string): string
}
