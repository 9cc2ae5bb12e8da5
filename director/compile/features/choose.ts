import { hideClient, noteClient } from '../../../shared/flows/client.ts'
import { groupId } from '../../../shared/flows/cookie.ts'
import { familyOf } from '../../../shared/net/family.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { MARK, TABLE } from '../tables.ts'
import type { CompiledService } from '../types.ts'
import { askTurn } from './turn.ts'

/** True when a real server can take new connections. */
export function isScheduled({ shares, turns }: CompiledService): boolean {
  return shares.length > 0 || turns !== undefined
}

/** Actions for the first packet of a connection, in a service that is scheduled. */
export function choose(service: CompiledService): readonly Action[] {
  const { persistence, turns, protocol } = service
  const family = familyOf(service.vip)
  if (persistence === undefined)
    return [...(turns === undefined ? [] : noteClient(family, protocol)), ...chooseNext(service)]
  return [
    { type: 'set_field', field: MARK, value: 0 },
    ...noteClient(family, protocol),
    ...hideClient(protocol, persistence.mask),
    { type: 'ct', zone: persistence.zone, table: TABLE.PERSISTENT },
  ]
}

/** The same, once it is known that the client has no real server yet. */
export function chooseNext(service: CompiledService): readonly Action[] {
  if (service.turns !== undefined) return askTurn(service)
  return [{ type: 'group', group: groupId('director', service.number) }]
}
