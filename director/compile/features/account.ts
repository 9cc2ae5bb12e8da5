import type { Action } from '../../../shared/openflow/types.ts'
import { ACCOUNTING } from '../tables.ts'
import type { CompiledService, Site } from '../types.ts'

/**
 * Exports the packet to the director's accounts (director/accounting) as the client has sent it. The observation domain tells
 * what the packet is to its connection, because vswitchd exports no TCP flags of a single flow, and UDP has none.
 */
export function account(
  site: Site,
  service: CompiledService,
  mark: number,
  what: keyof (typeof ACCOUNTING)['domain'],
): readonly Action[] {
  if (!site.accounting || !service.accounted) return []
  const { collectorSet, domain } = ACCOUNTING
  return [{ type: 'sample', probability: 65_535, collectorSet, domain: domain[what], point: mark }]
}
