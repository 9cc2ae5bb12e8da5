import type { House } from '../house.ts'

/** Has these services (keys) scheduled anew in the next pass. */
export function replan({ cells: { due }, loop }: House, keys: readonly string[], reason: string): void {
  due.put(keys)
  loop.mark(reason)
}
