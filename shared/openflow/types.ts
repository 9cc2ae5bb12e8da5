import type { FieldName } from './fields.ts'

/**
 * A field's value in the notation of ovs-fields(7): a number (or bigint over 53 bits) for plain numbers,
 * 'a.b.c.d' or 'a.b.c.d/len' for IPv4, 'xx:xx:…' for MAC (with '/mask'), and '0x…/0x…' for any other masked number.
 */
export type FieldValue = number | bigint | string

export type Match = { readonly [F in FieldName]?: FieldValue }

/** Part of a field, `FIELD[offset..offset+bits-1]`; without offset and bits the whole field. */
export interface Subfield {
  readonly field: FieldName
  readonly offset?: number
  readonly bits?: number
}

/** Actions, named as in ovs-actions(7). All of them are carried in one Apply-Actions instruction. */
export type Action =
  /** `maxLen`: most bytes that the controller gets; a packet to a port is cut to this length (ovs-actions(7), "output"). */
  | { readonly type: 'output'; readonly port: number; readonly maxLen?: number }
  | { readonly type: 'set_field'; readonly field: FieldName; readonly value: FieldValue }
  | { readonly type: 'move'; readonly src: Subfield; readonly dst: Subfield }
  | { readonly type: 'push_vlan'; readonly ethertype?: number }
  | { readonly type: 'pop_vlan' }
  | { readonly type: 'dec_ttl' }
  | { readonly type: 'group'; readonly group: number }
  | { readonly type: 'resubmit'; readonly port?: number; readonly table?: number }
  | {
      readonly type: 'ct'
      readonly commit?: boolean
      readonly zone: number
      readonly table?: number
      readonly exec?: readonly Action[]
    }
  | {
      readonly type: 'learn'
      readonly table: number
      readonly priority: number
      readonly cookie: bigint
      readonly idleTimeout?: number
      readonly hardTimeout?: number
      /** Learnt flows are deleted with the flow that learns. */
      readonly deleteLearned?: boolean
      readonly specs: readonly LearnSpec[]
    }
  /** Actions after the clone do not see what these actions do to the packet. */
  | { readonly type: 'clone'; readonly actions: readonly Action[] }
  /** The rest of the list applies only to packets within the meter's rate. */
  | { readonly type: 'meter'; readonly meter: number }
  | { readonly type: 'conjunction'; readonly id: number; readonly clause: number; readonly of: number }
  /** `probability` of 65,535 packets, to the collectors of this set in OVSDB's Flow_Sample_Collector_Set. */
  | {
      readonly type: 'sample'
      readonly probability: number
      readonly collectorSet: number
      readonly domain: number
      readonly point: number
    }
  /** Output to the port that a field holds (`output:NXM_NX_REG0[]`). */
  | { readonly type: 'output_field'; readonly src: Subfield; readonly maxLen?: number }
  /** An instruction of its own (OpenFlow 1.5.1, 5.5); only as the last of a flow's actions. */
  | { readonly type: 'goto_table'; readonly table: number }
  /**
   * An action or instruction of another program that crossport does not know: its bytes. It has a text of its own and can be sent
   * back; crossport never makes one itself.
   */
  | { readonly type: 'unknown'; readonly of: 'action' | 'instruction'; readonly hex: string }

export type LearnSpec =
  | { readonly type: 'match'; readonly dst: Subfield; readonly src: Subfield | { readonly value: FieldValue } }
  | { readonly type: 'load'; readonly dst: Subfield; readonly src: Subfield | { readonly value: FieldValue } }
  | { readonly type: 'output'; readonly src: Subfield }

/** Reserved port numbers (OpenFlow 1.5.1, 7.2.1). */
export const PORT = {
  IN_PORT: 0xfffffff8,
  TABLE: 0xfffffff9,
  NORMAL: 0xfffffffa,
  FLOOD: 0xfffffffb,
  ALL: 0xfffffffc,
  CONTROLLER: 0xfffffffd,
  LOCAL: 0xfffffffe,
  ANY: 0xffffffff,
} as const
