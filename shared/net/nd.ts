import { formatIpv6 } from '../address/ipv6.ts'
import type { LearnSpec, Match } from '../openflow/types.ts'
import { PORT } from '../openflow/types.ts'
import { ALL_NODES, advertisement, ND_TYPE } from '../wire/neighbour-advertisement.ts'
import type { Neighbours } from './types.ts'

const ETHER_TYPE = 0x86dd
const ICMPV6 = 58

/** Open vSwitch accepts ND's own fields only where type and code are matched (ovs-fields(7), "ICMPv6"). */
const message = (icmpv6_type: number): Match => {
  return { eth_type: ETHER_TYPE, ip_proto: ICMPV6, icmpv6_type, icmpv6_code: 0 }
}
const solicitation = message(ND_TYPE.neighbourSolicitation)
const advertised = message(ND_TYPE.neighbourAdvertisement)

const aboutTarget = (address: string): readonly Match[] =>
  [solicitation, advertised].map(match => ({ ...match, nd_target: address }))

const learnRequestFor = (from: 'ipv6_src' | 'nd_target'): readonly LearnSpec[] => [
  { type: 'match', dst: { field: 'eth_type' }, src: { value: ETHER_TYPE } },
  { type: 'match', dst: { field: 'ip_proto' }, src: { value: ICMPV6 } },
  { type: 'match', dst: { field: 'icmpv6_type' }, src: { value: ND_TYPE.neighbourSolicitation } },
  { type: 'match', dst: { field: 'icmpv6_code' }, src: { value: 0 } },
  { type: 'match', dst: { field: 'nd_target' }, src: { field: from } },
]

/**
 * ND (RFC 4861): the counterpart of ARP in IPv6, as ICMPv6 messages. The options of solicitations and advertisements carry the
 * hardware addresses.
 */
export const ND: Neighbours = {
  etherType: ETHER_TYPE,
  request: address => ({ ...solicitation, nd_target: address }),
  /**
   * The daemon's process answers (`solicited` in shared/wire/neighbour-advertisement.ts). A flow would have to change the
   * option's type and the flags, which the kernel's datapath refuses (ovs-fields(7), nd_options_type, nd_reserved).
   */
  answer: () => [{ type: 'output', port: PORT.CONTROLLER }],
  // An announcement goes to all nodes (7.2.6); an answer goes to the node that asked.
  announcement: address => ({ ...advertised, ipv6_dst: formatIpv6(ALL_NODES), nd_target: address }),
  announce: advertisement,
  about: aboutTarget,
  requestFrom: address => ({ ...solicitation, ipv6_src: address }),
  // A solicitation without a source address must not carry a hardware address (4.3), so it would be useless.
  requestAs: own => (own === undefined ? undefined : [{ type: 'set_field', field: 'ipv6_src', value: own }]),
  unheard: address => [
    ...aboutTarget(address),
    { ...advertised, ipv6_src: address },
    // A router solicitation carries its sender's hardware address in an option (4.1).
    { ...message(ND_TYPE.routerSolicitation), ipv6_src: address },
  ],
  unheardAfter: () => [],
  claim: address => ({ ...advertised, nd_target: address }),
  senderMac: mac => [
    { ...solicitation, nd_sll: mac },
    { ...advertised, nd_tll: mac },
  ],
  lessons: [
    { match: solicitation, request: learnRequestFor('ipv6_src') },
    { match: advertised, request: learnRequestFor('nd_target') },
  ],
}
