import type { FieldName } from './fields.ts'

/**
 * A field's value in the notation of ovs-fields(7): a number (or bigint over 53 bits) for plain numbers,
 * 'a.b.c.d' or 'a.b.c.d/len' for IPv4, 'xx:xx:…' for MAC (with '/mask'), and '0x…/0x…' for any other masked number.
 */
export type FieldValue = number | bigint | string

export type Match = { readonly [F in FieldName]?: FieldValue }

/** Part of a field, `FIELD[offset..offset+bits-1]`; without offset and bits the whole of it. */
export interface Subfield {
  readonly field: FieldName
  readonly offset?: number
  readonly bits?: number
}

/** Actions, named as in ovs-actions(7). All of them are carried in one Apply-Actions instruction. */
export type Action =
  /** `maxLen`: to the controller at most so many bytes; to a port, the packet is cut to them (ovs-actions(7), "output"). */
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
      /** What was learnt goes when the flow that learns goes. */
      readonly deleteLearned?: boolean
      readonly specs: readonly LearnSpec[]
    }
  /** What these do to the packet, the actions after it do not see. */
  | { readonly type: 'clone'; readonly actions: readonly Action[] }
  /** The rest of the list is for packets within the meter's rate only. */
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
  /** Output to the port that a field names (`output:NXM_NX_REG0[]`). */
  | { readonly type: 'output_field'; readonly src: Subfield; readonly maxLen?: number }
  /** An instruction of its own (OpenFlow 1.5.1, 5.5); only as the last of a flow's actions. */
  | { readonly type: 'goto_table'; readonly table: number }
  /**
   * What another program installed and crossport does not know: the whole action or instruction as it came.
   * It keeps its text apart from every other and can be sent back; crossport never writes one itself.
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
