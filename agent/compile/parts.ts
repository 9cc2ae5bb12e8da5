import type { Action } from '../../shared/openflow/types.ts'
import { VLAN } from './tables.ts'

/** Match value for `vlan_vid`: this access VLAN's tag, or no tag at all. */
export function vlanOf(tag: number | undefined): number {
  return tag === undefined ? VLAN.none : VLAN.present | tag
}

/** A frame from an access port gets the tag that NORMAL would give it, for it no longer enters from that port. */
export function pushTag(tag: number | undefined): Action[] {
  if (tag === undefined) return []
  return [{ type: 'push_vlan' }, { type: 'set_field', field: 'vlan_vid', value: VLAN.present | tag }]
}

/** The other way round: out of a port that takes frames without a tag. */
export function popTag(tag: number | undefined): Action[] {
  return tag === undefined ? [] : [{ type: 'pop_vlan' }]
}

export function portField(protocol: 'tcp' | 'udp', side: 'src' | 'dst') {
  return `${protocol}_${side}` as const
}
