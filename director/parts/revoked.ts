import type { House } from '../house.ts'
import { forget } from '../registry/registry.ts'

/** A host has been revoked in the book: its stream ends, and its real servers leave scheduling. Returns whether it was known. */
export function revoked({ cells, log }: House, hostId: string): boolean {
  const { registry, agents } = cells
  const known = registry.get().hosts.has(hostId)
  agents.get()?.revoked(hostId)
  registry.set(forget(registry.get(), hostId))
  log.notice('a host is revoked', { host: hostId })
  return known
}

/** Forgets hosts that were revoked while no director ran. */
export function forgetRevoked({ cells: { registry }, book }: House): void {
  for (const hostId of book?.gone() ?? []) registry.set(forget(registry.get(), hostId))
}
