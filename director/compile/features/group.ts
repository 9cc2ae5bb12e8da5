import { groupId } from '../../../shared/flows/cookie.ts'
import type { Bucket, Group } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { MARK, TABLE } from '../tables.ts'
import type { CompiledService } from '../types.ts'

/** Bucket ids of further buckets of one real server lie above all marks (director/store/numbers.ts). */
const COPY = 0x0100_0000

/** Who gets a new connection. Bucket ids are the marks: they outlive changes, and so does what the switch makes of them. */
export function group(service: CompiledService): Group {
  const id = groupId('director', service.number)
  if (service.hashField === undefined) {
    return { id, type: 'select', selectionMethod: 'dp_hash', buckets: proportions(service) }
  }
  const buckets = service.shares.flatMap(({ mark, slots }) =>
    Array.from({ length: slots }, (_, copy) => bucket(mark + copy * COPY, service, mark, 1)),
  )
  return {
    id,
    type: 'select',
    selectionMethod: 'hash',
    hashFields: [familyOf(service.vip).fields[service.hashField]],
    buckets,
  }
}

/**
 * Open vSwitch gives a dp_hash group the next power of two of (total weight / least weight) slots, at least 16 and at
 * most 256, and hands them out in proportion. The weights here add up to 256, and one bucket of weight 1 makes that the
 * number of slots: each real server then has exactly its share. (Equal weights alone would share 16 slots among 10.)
 */
function proportions(service: CompiledService): readonly Bucket[] {
  const { shares } = service
  const buckets = shares.map(({ mark, slots }) => bucket(mark, service, mark, slots))
  const least = shares.find(share => share.slots > 1)
  if (least !== undefined && !shares.some(share => share.slots === 1)) {
    buckets[shares.indexOf(least)] = bucket(least.mark, service, least.mark, least.slots - 1)
    buckets.push(bucket(COPY + least.mark, service, least.mark, 1))
  }
  return buckets
}

function bucket(id: number, service: CompiledService, mark: number, weight: number): Bucket {
  const table = service.persistence === undefined ? TABLE.COMMIT : TABLE.PERSISTENT
  const actions = [
    { type: 'set_field', field: MARK, value: mark },
    { type: 'resubmit', table },
  ] as const
  return { id, weight, actions }
}
