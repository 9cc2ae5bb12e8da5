/**
 * Every match field that crossport knows, one line each, in the order in which Open vSwitch writes them
 * (nx-match.c: a field follows its prerequisites). Numbers and widths: ovs-fields(7); OpenFlow 1.5.1, 7.2.3.7.
 */

/** OXM classes: 0x8000 OpenFlow basic, 0x8001 packet registers, 0 and 1 Nicira's. */
const OXM = 0x8000
const PKT = 0x8001
const NXM0 = 0
const NXM1 = 1

/** How a value is written; `hex` and `dec` are plain numbers. */
export type FieldKind = 'dec' | 'hex' | 'mac' | 'ipv4' | 'ipv6' | 'port' | 'frag' | 'ctState' | 'tcpFlags'

/** What a packet must be for the field to exist. The encoder adds it as further match fields. */
export type Prerequisite = '' | 'vlan' | 'ip' | 'ipv4' | 'ipv6' | 'arp' | 'mpls' | Transport
type Transport = 'tcp' | 'udp' | 'sctp' | 'icmp' | 'icmp6' | 'nd' | 'ndSolicit' | 'ndAdvert'

export interface FieldSpec {
  readonly class: number
  readonly number: number
  readonly bits: number
  readonly kind: FieldKind
  readonly maskable: boolean
  readonly needs: Prerequisite
  /** Name in `move`, `learn` and `output:`, as ovs-ofctl prints it. */
  readonly nxm: string
  /** Name in a match, as ovs-ofctl prints it. */
  readonly text: string
  /** Name after `->` in set_field, as ovs-ofctl prints it. */
  readonly set: string
}

type Mask = 'mask' | 'exact'
const f = (
  oxmClass: number,
  number: number,
  bits: number,
  kind: FieldKind,
  mask: Mask,
  needs: Prerequisite,
  nxm: string,
  text: string,
  set = text,
): FieldSpec => ({ class: oxmClass, number, bits, kind, maskable: mask === 'mask', needs, nxm, text, set })

const reg = (n: number): FieldSpec => f(NXM1, n, 32, 'hex', 'mask', '', `NXM_NX_REG${n}`, `reg${n}`)
const xreg = (n: number): FieldSpec => f(PKT, n, 64, 'hex', 'mask', '', `OXM_OF_PKT_REG${n}`, `xreg${n}`)

export const FIELDS = {
  dp_hash: f(NXM1, 35, 32, 'hex', 'mask', '', 'NXM_NX_DP_HASH', 'dp_hash'),
  conj_id: f(NXM1, 37, 32, 'dec', 'exact', '', 'NXM_NX_CONJ_ID', 'conj_id'),
  in_port: f(OXM, 0, 32, 'port', 'exact', '', 'NXM_OF_IN_PORT', 'in_port'),
  eth_src: f(OXM, 4, 48, 'mac', 'mask', '', 'NXM_OF_ETH_SRC', 'dl_src', 'eth_src'),
  eth_dst: f(OXM, 3, 48, 'mac', 'mask', '', 'NXM_OF_ETH_DST', 'dl_dst', 'eth_dst'),
  eth_type: f(OXM, 5, 16, 'hex', 'exact', '', 'NXM_OF_ETH_TYPE', 'dl_type', 'eth_type'),
  /** 12 bits of VLAN ID and 0x1000, which marks a tag as present; 0 with a full mask: no tag. */
  vlan_vid: f(OXM, 6, 13, 'dec', 'mask', '', 'OXM_OF_VLAN_VID', 'vlan_vid'),
  vlan_pcp: f(OXM, 7, 3, 'dec', 'exact', 'vlan', 'OXM_OF_VLAN_PCP', 'dl_vlan_pcp', 'vlan_pcp'),
  /** Not in OpenFlow 1.5: Open vSwitch and this encoder send it as vlan_vid and vlan_pcp. */
  vlan_tci: f(NXM0, 4, 16, 'hex', 'mask', '', 'NXM_OF_VLAN_TCI', 'vlan_tci'),
  mpls_tc: f(OXM, 35, 3, 'dec', 'exact', 'mpls', 'OXM_OF_MPLS_TC', 'mpls_tc'),
  mpls_bos: f(OXM, 36, 1, 'dec', 'exact', 'mpls', 'OXM_OF_MPLS_BOS', 'mpls_bos'),
  mpls_label: f(OXM, 34, 20, 'dec', 'exact', 'mpls', 'OXM_OF_MPLS_LABEL', 'mpls_label'),
  ipv4_src: f(OXM, 11, 32, 'ipv4', 'mask', 'ipv4', 'NXM_OF_IP_SRC', 'nw_src', 'ip_src'),
  ipv4_dst: f(OXM, 12, 32, 'ipv4', 'mask', 'ipv4', 'NXM_OF_IP_DST', 'nw_dst', 'ip_dst'),
  ipv6_src: f(OXM, 26, 128, 'ipv6', 'mask', 'ipv6', 'NXM_NX_IPV6_SRC', 'ipv6_src'),
  ipv6_dst: f(OXM, 27, 128, 'ipv6', 'mask', 'ipv6', 'NXM_NX_IPV6_DST', 'ipv6_dst'),
  ip_frag: f(NXM1, 26, 2, 'frag', 'mask', 'ip', 'NXM_NX_IP_FRAG', 'nw_frag', 'ip_frag'),
  ip_dscp: f(OXM, 8, 6, 'dec', 'exact', 'ip', 'OXM_OF_IP_DSCP', 'nw_tos', 'ip_dscp'),
  ip_ecn: f(OXM, 9, 2, 'dec', 'exact', 'ip', 'NXM_NX_IP_ECN', 'nw_ecn'),
  ip_ttl: f(NXM1, 29, 8, 'dec', 'exact', 'ip', 'NXM_NX_IP_TTL', 'nw_ttl'),
  ipv6_label: f(OXM, 28, 20, 'hex', 'mask', 'ipv6', 'NXM_NX_IPV6_LABEL', 'ipv6_label'),
  ip_proto: f(OXM, 10, 8, 'dec', 'exact', 'ip', 'NXM_OF_IP_PROTO', 'nw_proto'),
  tcp_src: f(OXM, 13, 16, 'dec', 'mask', 'tcp', 'NXM_OF_TCP_SRC', 'tp_src', 'tcp_src'),
  tcp_dst: f(OXM, 14, 16, 'dec', 'mask', 'tcp', 'NXM_OF_TCP_DST', 'tp_dst', 'tcp_dst'),
  tcp_flags: f(OXM, 42, 12, 'tcpFlags', 'mask', 'tcp', 'NXM_NX_TCP_FLAGS', 'tcp_flags'),
  udp_src: f(OXM, 15, 16, 'dec', 'mask', 'udp', 'NXM_OF_UDP_SRC', 'tp_src', 'udp_src'),
  udp_dst: f(OXM, 16, 16, 'dec', 'mask', 'udp', 'NXM_OF_UDP_DST', 'tp_dst', 'udp_dst'),
  sctp_src: f(OXM, 17, 16, 'dec', 'mask', 'sctp', 'OXM_OF_SCTP_SRC', 'tp_src', 'sctp_src'),
  sctp_dst: f(OXM, 18, 16, 'dec', 'mask', 'sctp', 'OXM_OF_SCTP_DST', 'tp_dst', 'sctp_dst'),
  icmp_type: f(OXM, 19, 8, 'dec', 'exact', 'icmp', 'NXM_OF_ICMP_TYPE', 'icmp_type'),
  icmp_code: f(OXM, 20, 8, 'dec', 'exact', 'icmp', 'NXM_OF_ICMP_CODE', 'icmp_code'),
  icmpv6_type: f(OXM, 29, 8, 'dec', 'exact', 'icmp6', 'NXM_NX_ICMPV6_TYPE', 'icmp_type', 'icmpv6_type'),
  icmpv6_code: f(OXM, 30, 8, 'dec', 'exact', 'icmp6', 'NXM_NX_ICMPV6_CODE', 'icmp_code', 'icmpv6_code'),
  nd_target: f(OXM, 31, 128, 'ipv6', 'mask', 'nd', 'NXM_NX_ND_TARGET', 'nd_target'),
  nd_sll: f(OXM, 32, 48, 'mac', 'mask', 'ndSolicit', 'NXM_NX_ND_SLL', 'nd_sll'),
  nd_tll: f(OXM, 33, 48, 'mac', 'mask', 'ndAdvert', 'NXM_NX_ND_TLL', 'nd_tll'),
  arp_op: f(OXM, 21, 16, 'dec', 'exact', 'arp', 'NXM_OF_ARP_OP', 'arp_op'),
  arp_spa: f(OXM, 22, 32, 'ipv4', 'mask', 'arp', 'NXM_OF_ARP_SPA', 'arp_spa'),
  arp_tpa: f(OXM, 23, 32, 'ipv4', 'mask', 'arp', 'NXM_OF_ARP_TPA', 'arp_tpa'),
  arp_sha: f(OXM, 24, 48, 'mac', 'mask', 'arp', 'NXM_NX_ARP_SHA', 'arp_sha'),
  arp_tha: f(OXM, 25, 48, 'mac', 'mask', 'arp', 'NXM_NX_ARP_THA', 'arp_tha'),
  tun_id: f(OXM, 38, 64, 'hex', 'mask', '', 'NXM_NX_TUN_ID', 'tun_id'),
  tun_src: f(NXM1, 31, 32, 'ipv4', 'mask', '', 'NXM_NX_TUN_IPV4_SRC', 'tun_src'),
  tun_dst: f(NXM1, 32, 32, 'ipv4', 'mask', '', 'NXM_NX_TUN_IPV4_DST', 'tun_dst'),
  reg0: reg(0),
  reg1: reg(1),
  reg2: reg(2),
  reg3: reg(3),
  reg4: reg(4),
  reg5: reg(5),
  reg6: reg(6),
  reg7: reg(7),
  reg8: reg(8),
  reg9: reg(9),
  reg10: reg(10),
  reg11: reg(11),
  reg12: reg(12),
  reg13: reg(13),
  reg14: reg(14),
  reg15: reg(15),
  /** In a match it equals reg(2n) and reg(2n+1), and the switch answers with these. */
  xreg0: xreg(0),
  xreg1: xreg(1),
  xreg2: xreg(2),
  xreg3: xreg(3),
  xreg4: xreg(4),
  xreg5: xreg(5),
  xreg6: xreg(6),
  xreg7: xreg(7),
  pkt_mark: f(NXM1, 33, 32, 'hex', 'mask', '', 'NXM_NX_PKT_MARK', 'pkt_mark'),
  ct_state: f(NXM1, 105, 32, 'ctState', 'mask', '', 'NXM_NX_CT_STATE', 'ct_state'),
  ct_zone: f(NXM1, 106, 16, 'dec', 'exact', '', 'NXM_NX_CT_ZONE', 'ct_zone'),
  ct_mark: f(NXM1, 107, 32, 'hex', 'mask', '', 'NXM_NX_CT_MARK', 'ct_mark'),
  ct_label: f(NXM1, 108, 128, 'hex', 'mask', '', 'NXM_NX_CT_LABEL', 'ct_label'),
  metadata: f(OXM, 2, 64, 'hex', 'mask', '', 'OXM_OF_METADATA', 'metadata'),
} as const satisfies Record<string, FieldSpec>

export type FieldName = keyof typeof FIELDS

/** A row of the table with values derived from it. */
export interface Field extends FieldSpec {
  readonly name: FieldName
  /** Place in the table, which gives the order on the wire. */
  readonly index: number
  readonly bytes: number
  /** A mask of `bits` ones, a number up to 48 bits and a bigint above. */
  readonly full: number | bigint
  /** Class, number and a zero mask bit; the low byte (length) is zero. Exact matches add `bytes`. */
  readonly header: number
}

const headerOf = (oxmClass: number, number: number): number => ((oxmClass << 16) | (number << 9)) >>> 0

const build = (spec: FieldSpec, name: FieldName, index: number): Field => ({
  ...spec,
  name,
  index,
  // A label of 20 bits takes 32 on the wire.
  bytes: spec.bits === 20 ? 4 : Math.ceil(spec.bits / 8),
  full: spec.bits <= 48 ? 2 ** spec.bits - 1 : (1n << BigInt(spec.bits)) - 1n,
  header: headerOf(spec.class, spec.number),
})

const NAMES = Object.keys(FIELDS) as FieldName[]

/** The fields in the order of the table. */
export const FIELD_LIST: readonly Field[] = NAMES.map((name, index) => build(FIELDS[name], name, index))

const BY_NAME: ReadonlyMap<string, Field> = new Map(FIELD_LIST.map(field => [field.name, field]))
/** The NXM headers of OXM fields (ovs-fields(7)): `learn` carries them, and other programs may send them. */
const NXM_FORMS = [
  [NXM0, 1, 'eth_dst'],
  [NXM0, 2, 'eth_src'],
  [NXM0, 3, 'eth_type'],
  [NXM0, 6, 'ip_proto'],
  [NXM0, 7, 'ipv4_src'],
  [NXM0, 8, 'ipv4_dst'],
  [NXM0, 9, 'tcp_src'],
  [NXM0, 10, 'tcp_dst'],
  [NXM0, 11, 'udp_src'],
  [NXM0, 12, 'udp_dst'],
  [NXM0, 13, 'icmp_type'],
  [NXM0, 14, 'icmp_code'],
  [NXM0, 15, 'arp_op'],
  [NXM0, 16, 'arp_spa'],
  [NXM0, 17, 'arp_tpa'],
  [NXM1, 16, 'tun_id'],
  [NXM1, 17, 'arp_sha'],
  [NXM1, 18, 'arp_tha'],
  [NXM1, 19, 'ipv6_src'],
  [NXM1, 20, 'ipv6_dst'],
  [NXM1, 21, 'icmpv6_type'],
  [NXM1, 22, 'icmpv6_code'],
  [NXM1, 23, 'nd_target'],
  [NXM1, 24, 'nd_sll'],
  [NXM1, 25, 'nd_tll'],
  [NXM1, 27, 'ipv6_label'],
  [NXM1, 28, 'ip_ecn'],
  [NXM1, 34, 'tcp_flags'],
] as const satisfies readonly (readonly [number, number, FieldName])[]

const NXM_HEADERS: ReadonlyMap<string, number> = new Map(NXM_FORMS.map(([c, n, name]) => [name, headerOf(c, n)]))
const BY_HEADER: ReadonlyMap<number, Field> = new Map([
  ...FIELD_LIST.map(field => [field.header, field] as const),
  ...NXM_FORMS.map(([c, n, name]) => [headerOf(c, n), BY_NAME.get(name)!] as const),
])

/** Row of a name; undefined for a name that is not in the table. */
export const fieldNamed = (name: string): Field | undefined => BY_NAME.get(name)

/** Row of an OXM header (its mask bit and length are ignored); undefined for a field crossport does not know. */
export const fieldOfHeader = (header: number): Field | undefined => BY_HEADER.get((header & 0xfffffe00) >>> 0)

/** Header in the NXM form with the length in it, where the field has that form; the OXM header otherwise. */
export const nxmHeader = (field: Field): number => (NXM_HEADERS.get(field.name) ?? field.header) + field.bytes
