import type { Action } from '../../shared/openflow/types.ts'
import { VLAN } from './tables.ts'

/** Match value for `vlan_vid`: this access VLAN's tag, or no tag at all. */
export function vlanOf(tag: number | undefined): number {
  return tag === undefined ? VLAN.none : VLAN.present | tag
}

/** Adds the tag that NORMAL would add to a frame from this access port: the frame no longer enters from that port. */
export function pushTag(tag: number | undefined): Action[] {
  if (tag === undefined) return []
  return [{ type: 'push_vlan' }, { type: 'set_field', field: 'vlan_vid', value: VLAN.present | tag }]
}

/** Removes the tag before a frame leaves by a port that takes untagged frames. */
export function popTag(tag: number | undefined): Action[] {
  return tag === undefined ? [] : [{ type: 'pop_vlan' }]
}

export function portField(protocol: 'tcp' | 'udp', side: 'src' | 'dst') {
  return `${protocol}_${side}` as const
}
