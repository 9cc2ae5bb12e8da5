import { FIELD_LIST, type FieldName, fieldNamed } from './fields.ts'
import type { Flow, Group } from './flow-types.ts'
import { sortedHashFields } from './group.ts'
import { addVlan, type Entry, matchEntries } from './match.ts'
import { subfieldText } from './subfield.ts'
import { type Action, type LearnSpec, type Match, PORT } from './types.ts'
import { hex, hexText, parseValue, portText, valueText } from './value.ts'

/**
 * The canonical text of a flow, in the notation of ovs-ofctl(8), as `ovs-ofctl --no-names dump-flows` prints it. Two flows are
 * equal when their texts are. The difference, the store, logs and errors use this text.
 */

/** Order in which ovs-ofctl prints the fields of a match (match_format in lib/match.c); registers in between. */
const ORDER: readonly FieldName[] = [
  ...(['pkt_mark', 'dp_hash', 'conj_id', 'ct_state', 'ct_zone', 'ct_mark', 'ct_label'] as const),
  // eth_type and ip_proto become the word `tcp`, `arp` …, which is printed here.
  ...(['eth_type'] as const),
  ...FIELD_LIST.map(field => field.name).filter(name => name.startsWith('reg')),
  ...(['tun_id', 'tun_src', 'tun_dst', 'metadata', 'in_port', 'vlan_vid', 'vlan_pcp', 'eth_src', 'eth_dst'] as const),
  ...([
    'ipv4_src',
    'ipv6_src',
    'ipv4_dst',
    'ipv6_dst',
    'ipv6_label',
    'ip_proto',
    'arp_spa',
    'arp_tpa',
    'arp_op',
  ] as const),
  ...(['arp_sha', 'arp_tha', 'ip_dscp', 'ip_ecn', 'ip_ttl', 'mpls_label', 'mpls_tc', 'mpls_bos', 'ip_frag'] as const),
  ...(['icmp_type', 'icmp_code', 'icmpv6_type', 'icmpv6_code', 'nd_target', 'nd_sll', 'nd_tll'] as const),
  ...(['tcp_src', 'udp_src', 'sctp_src', 'tcp_dst', 'udp_dst', 'sctp_dst', 'tcp_flags'] as const),
]

const RANK: readonly number[] = FIELD_LIST.map(field => ORDER.indexOf(field.name))

/** `tcp,nw_dst=10.10.1.100,tp_dst=80`; empty for a match of everything. Throws OPENFLOW_VALUE_INVALID. */
export const matchText = (match: Match): string => entriesText(matchEntries(match))

const entriesText = (entries: Entry[]): string => {
  const sorted = sortByRank(entries)
  const etherType = find(sorted, 'eth_type')
  const protocol = find(sorted, 'ip_proto')
  const word = protocolWord(etherType, protocol)
  let text = ''
  for (let i = 0; i < sorted.length; i++) {
    const entry = sorted[i]!
    let part: string
    switch (entry.field.name) {
      case 'eth_type':
        part = word.text
        break
      case 'ip_proto':
        if (word.saysProtocol) continue
        part = `nw_proto=${entry.value}`
        break
      case 'ip_dscp':
        part = `nw_tos=${Number(entry.value) << 2}`
        break
      case 'ipv6_label':
        part = labelText(entry)
        break
      case 'vlan_pcp':
        continue
      case 'vlan_vid':
        part = vlanText(entry, sorted[i + 1])
        break
      default:
        part = `${entry.field.text}=${valueText(entry.field, entry)}`
    }
    text += text === '' ? part : `,${part}`
  }
  return text
}

const sortByRank = (entries: Entry[]): Entry[] => {
  for (let i = 1; i < entries.length; i++) {
    const entry = entries[i]!
    const rank = RANK[entry.field.index]!
    let at = i
    while (at > 0 && RANK[entries[at - 1]!.field.index]! > rank) entries[at] = entries[--at]!
    entries[at] = entry
  }
  return entries
}

const find = (entries: readonly Entry[], name: FieldName): number | undefined => {
  for (const entry of entries) if (entry.field.name === name) return Number(entry.value)
  return undefined
}

const OVER_IP: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
  [132, 'sctp'],
])
const OVER_IPV6: ReadonlyMap<number, string> = new Map([
  [6, 'tcp6'],
  [17, 'udp6'],
  [58, 'icmp6'],
  [132, 'sctp6'],
])
const ETHER_TYPES: ReadonlyMap<number, string> = new Map([
  [0x0806, 'arp'],
  [0x8035, 'rarp'],
  [0x8847, 'mpls'],
  [0x8848, 'mplsm'],
])

const protocolWord = (etherType = -1, protocol = -1): { text: string; saysProtocol: boolean } => {
  if (etherType === 0x0800) return { text: OVER_IP.get(protocol) ?? 'ip', saysProtocol: OVER_IP.has(protocol) }
  if (etherType === 0x86dd) return { text: OVER_IPV6.get(protocol) ?? 'ipv6', saysProtocol: OVER_IPV6.has(protocol) }
  return {
    text: ETHER_TYPES.get(etherType) ?? `dl_type=0x${etherType.toString(16).padStart(4, '0')}`,
    saysProtocol: false,
  }
}

const labelText = ({ value, mask }: Entry): string => {
  const digits = (n: number | bigint) => `0x${n.toString(16).padStart(5, '0')}`
  return `ipv6_label=${digits(value)}${mask === undefined ? '' : `/${digits(mask)}`}`
}

const vlanText = (vid: Entry, next: Entry | undefined): string => {
  const tci = { value: 0, mask: 0 }
  addVlan(tci, vid)
  if (next?.field.name === 'vlan_pcp') addVlan(tci, next)
  const id = tci.mask & 0xfff
  const priority = tci.mask >>> 13
  if (tci.value & 0x1000 && (id === 0 || id === 0xfff) && id + priority !== 0) {
    const parts = id === 0 ? [] : [`dl_vlan=${tci.value & 0xfff}`]
    return [...parts, ...(priority === 0 ? [] : [`dl_vlan_pcp=${tci.value >>> 13}`])].join(',')
  }
  const value = `vlan_tci=0x${tci.value.toString(16).padStart(4, '0')}`
  return tci.mask === 0xffff ? value : `${value}/0x${tci.mask.toString(16).padStart(4, '0')}`
}

/** `set_field:8080->tcp_dst,output:3`; `drop` for no actions. Throws OPENFLOW_VALUE_INVALID. */
export const actionsText = (actions: readonly Action[]): string =>
  actions.length === 0 ? 'drop' : actions.map(actionText).join(',')

const actionText = (action: Action): string => {
  switch (action.type) {
    case 'output':
      return outputText(action.port, action.maxLen)
    case 'set_field': {
      const field = fieldNamed(action.field)!
      return `set_field:${valueText(field, parseValue(field, action.value))}->${field.set}`
    }
    case 'move':
      return `move:${subfieldText(action.src)}->${subfieldText(action.dst)}`
    case 'push_vlan':
      return `push_vlan:${hex(action.ethertype ?? 0x8100)}`
    case 'pop_vlan':
    case 'dec_ttl':
      return action.type
    case 'group':
      return `group:${action.group}`
    case 'resubmit':
      return resubmitText(action.port, action.table)
    case 'ct':
      return ctText(action)
    case 'learn':
      return learnText(action)
    case 'clone':
      return `clone(${action.actions.map(actionText).join(',')})`
    case 'meter':
      return `meter:${action.meter}`
    case 'conjunction':
      return `conjunction(${action.id},${action.clause}/${action.of})`
    case 'sample':
      return `sample(probability=${action.probability},collector_set_id=${action.collectorSet},obs_domain_id=${action.domain},obs_point_id=${action.point})`
    case 'output_field':
      return `output:${subfieldText(action.src)}`
    case 'goto_table':
      return `goto_table:${action.table}`
    case 'unknown':
      return `unknown_${action.of}(${action.hex})`
  }
}

const outputText = (port: number, maxLen: number | undefined): string => {
  if (port === 0xfffffffd) return `CONTROLLER:${maxLen ?? 0xffff}`
  if (maxLen !== undefined) return `output(port=${portText(port)},max_len=${maxLen})`
  return port >= 0xffffff00 ? portText(port) : `output:${port}`
}

const resubmitText = (port: number | undefined, table: number | undefined): string => {
  if (table === undefined) return `resubmit:${portText(port ?? PORT.IN_PORT)}`
  return `resubmit(${port === undefined ? '' : portText(port)},${table})`
}

const ctText = (ct: Action & { type: 'ct' }): string => {
  const parts: string[] = []
  if (ct.commit) parts.push('commit')
  if (ct.table !== undefined) parts.push(`table=${ct.table}`)
  if (ct.zone !== 0) parts.push(`zone=${ct.zone}`)
  if (ct.exec !== undefined && ct.exec.length > 0) parts.push(`exec(${ct.exec.map(actionText).join(',')})`)
  return parts.length === 0 ? 'ct' : `ct(${parts.join(',')})`
}

const learnText = (learn: Action & { type: 'learn' }): string => {
  const parts = [`table=${learn.table}`]
  if (learn.idleTimeout) parts.push(`idle_timeout=${learn.idleTimeout}`)
  if (learn.hardTimeout) parts.push(`hard_timeout=${learn.hardTimeout}`)
  if (learn.priority !== 32768) parts.push(`priority=${learn.priority}`)
  if (learn.deleteLearned) parts.push('delete_learned')
  if (learn.cookie !== 0n) parts.push(`cookie=${hex(learn.cookie)}`)
  return `learn(${[...parts, ...learn.specs.map(learnSpecText)].join(',')})`
}

const learnSpecText = (spec: LearnSpec): string => {
  if (spec.type === 'output') return `output:${subfieldText(spec.src)}`
  const dst = subfieldText(spec.dst)
  const field = fieldNamed(spec.dst.field)!
  if ('value' in spec.src) {
    const value = parseValue(field, spec.src.value)
    if (spec.type === 'load') return `load:${hexText(value.value)}->${dst}`
    return dst.endsWith('[]') ? `${field.set}=${valueText(field, value)}` : `${dst}=${hexText(value.value)}`
  }
  const src = subfieldText(spec.src)
  if (spec.type === 'load') return `load:${src}->${dst}`
  return src === dst ? dst : `${dst}=${src}`
}

/** The key of a flow: `table=0,priority=10,tcp,…`. At most one flow of a bridge has it. */
export const flowKeyText = (flow: Pick<Flow, 'table' | 'priority' | 'match'>): string => {
  const match = matchText(flow.match)
  return `table=${flow.table},priority=${flow.priority}${match === '' ? '' : `,${match}`}`
}

/** `cookie=0x1,table=0,priority=10,tcp,… actions=…`, as `ovs-ofctl add-flow` takes it. */
export const flowText = (flow: Flow): string =>
  `cookie=${hex(flow.cookie)},${flowKeyText(flow)} actions=${actionsText(flow.actions)}`

/** `group_id=1,type=select,selection_method=hash,fields(…),bucket=…`, as `ovs-ofctl add-group` takes it. */
export const groupText = (group: Group): string => {
  let text = `group_id=${group.id},type=${group.type}`
  if (group.selectionMethod !== undefined) text += `,selection_method=${group.selectionMethod}`
  if (group.hashFields !== undefined && group.hashFields.length > 0)
    text += `,fields(${sortedHashFields(group.hashFields)
      .map(field => field.set)
      .join(',')})`
  for (const bucket of group.buckets) {
    const weight = group.type === 'select' && bucket.weight !== 1 ? `,weight:${bucket.weight}` : ''
    text += `,bucket=bucket_id:${bucket.id}${weight},actions=${actionsText(bucket.actions)}`
  }
  return text
}
