/** Exit codes of every command. `usage` is that of sysexits(3). */
export const EXIT = { ok: 0, notInForce: 1, unreachable: 2, usage: 64 } as const

/** Where a command writes. */
export interface Io {
  out(text: string): void
  err(text: string): void
}
