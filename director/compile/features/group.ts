import { groupId } from '../../../shared/flows/cookie.ts'
import type { Bucket, Group } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { MARK, TABLE } from '../tables.ts'
import type { CompiledService } from '../types.ts'

/** When a real server has several buckets, the ids of the further ones lie above all marks (director/store/numbers.ts). */
const COPY = 0x0100_0000

/**
 * The select group of new connections. Bucket ids are the marks, which stay the same through changes, so the switch's choice by
 * hash does too.
 */
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
 * Open vSwitch gives a dp_hash group the next power of two of (total weight / least weight) slots, at least 16 and at most 256,
 * and shares them out in proportion. The weights here add up to 256, and one bucket has weight 1, so there are 256 slots and each
 * real server has exactly its share. (Equal weights alone would share 16 slots among 10.)
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
