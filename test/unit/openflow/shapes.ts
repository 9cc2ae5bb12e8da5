import type { Flow, Group } from '../../../shared/flows/types.ts'
import { type Action, type Match, PORT } from '../../../shared/openflow/types.ts'

/** Every shape of flow and group that crossport installs on a host or a director, and the notations a compiler may use. */

const VIP = '10.10.1.100'
const HOST_MAC = '02:00:ac:18:01:14'
const DIRECTOR_MAC = '02:00:ac:18:01:64'
const VM_MAC = '52:54:00:00:00:01'
const TCP = { eth_type: 0x0800, ip_proto: 6 } as const
const ARP = { eth_type: 0x0806 } as const
const asHost: Action[] = [
  { type: 'set_field', field: 'in_port', value: PORT.LOCAL },
  { type: 'output', port: PORT.NORMAL },
]

const rules: readonly (readonly [Match, readonly Action[]])[] = [
  // Host: request, with and without translation of the port
  [
    { ...TCP, eth_dst: HOST_MAC, ipv4_dst: VIP, tcp_dst: 20001 },
    [
      { type: 'set_field', field: 'eth_dst', value: VM_MAC },
      { type: 'set_field', field: 'tcp_dst', value: 8080 },
      { type: 'output', port: 3 },
    ],
  ],
  [
    { vlan_vid: 0x1005, ...TCP, eth_dst: HOST_MAC, ipv4_dst: VIP, tcp_dst: 8080 },
    [
      { type: 'pop_vlan' },
      { type: 'set_field', field: 'eth_dst', value: VM_MAC.toUpperCase() },
      { type: 'output', port: 4 },
    ],
  ],
  // Host: reply, in a VLAN
  [
    { in_port: 3, ...TCP, ipv4_src: `${VIP}/32`, ipv4_dst: '10.10.1.7/24', tcp_src: 8080, vlan_vid: '0/0x1000' },
    [
      { type: 'set_field', field: 'tcp_src', value: 80 },
      { type: 'set_field', field: 'eth_src', value: HOST_MAC },
      { type: 'push_vlan' },
      { type: 'set_field', field: 'vlan_vid', value: 0x1005 },
      ...asHost,
    ],
  ],
  [{ in_port: 3, eth_type: 0x0800, ip_proto: 17, ipv4_src: VIP, ipv4_dst: '0.0.0.0/0', udp_src: 53 }, asHost],
  // ARP: answer, shield
  [
    { ...ARP, arp_op: 1, arp_tpa: VIP, tun_src: '172.24.1.10' },
    [
      { type: 'move', src: { field: 'eth_src' }, dst: { field: 'eth_dst' } },
      { type: 'set_field', field: 'eth_src', value: HOST_MAC },
      { type: 'set_field', field: 'arp_op', value: 2 },
      { type: 'move', src: { field: 'arp_sha' }, dst: { field: 'arp_tha' } },
      { type: 'move', src: { field: 'arp_spa' }, dst: { field: 'arp_tpa' } },
      { type: 'set_field', field: 'arp_sha', value: DIRECTOR_MAC },
      { type: 'set_field', field: 'arp_spa', value: VIP },
      { type: 'output', port: PORT.IN_PORT },
    ],
  ],
  [{ in_port: 3, ...ARP, arp_op: 2, arp_spa: VIP }, []],
  [{ in_port: 3, ...ARP, arp_tpa: VIP, arp_sha: VM_MAC, arp_spa: '0.0.0.0', arp_tha: '00:00:00:00:00:00' }, []],
  [
    { in_port: 3, ...ARP, arp_op: 1, arp_spa: VIP },
    [{ type: 'set_field', field: 'arp_spa', value: '10.10.1.21' }, ...asHost],
  ],
  // Anti-spoofing
  [{ eth_type: 0x0800, ipv4_src: VIP }, [{ type: 'conjunction', id: 7, clause: 1, of: 2 }]],
  [{ in_port: PORT.LOCAL }, [{ type: 'conjunction', id: 7, clause: 2, of: 2 }]],
  [{ conj_id: 7, eth_type: 0x0800 }, []],
  // Director: connection table
  [{ ...TCP, ipv4_dst: VIP, tcp_dst: 80 }, [{ type: 'ct', zone: 1, table: 10 }]],
  [
    { ct_mark: 1001 },
    [
      { type: 'set_field', field: 'reg0', value: 1001 },
      { type: 'resubmit', table: 20 },
    ],
  ],
  [{ ct_zone: 1, reg1: 0 }, [{ type: 'group', group: 1 }]],
  [
    { eth_type: 0x0800, ct_state: '+trk-inv', ct_mark: '0x0/0xffff' },
    [
      {
        type: 'ct',
        commit: true,
        zone: 1,
        exec: [
          { type: 'move', src: { field: 'reg0' }, dst: { field: 'ct_mark' } },
          { type: 'set_field', field: 'ct_mark', value: '0x80000000/0x80000000' },
        ],
      },
      { type: 'resubmit', table: 20 },
    ],
  ],
  [
    { ...TCP, reg0: 1001, reg3: '0x1/0x3', xreg6: 0x100000002n, metadata: 5, tcp_flags: '+syn-ack' },
    [
      { type: 'set_field', field: 'eth_src', value: DIRECTOR_MAC },
      { type: 'set_field', field: 'eth_dst', value: HOST_MAC },
      { type: 'set_field', field: 'tcp_dst', value: 8080 },
      { type: 'set_field', field: 'tun_dst', value: '172.24.1.20' },
      { type: 'set_field', field: 'tun_id', value: 100 },
      { type: 'output', port: 5 },
    ],
  ],
  // Director: ICMP echo
  [
    { eth_type: 0x0800, ip_proto: 1, icmp_type: 8, icmp_code: 0, ipv4_dst: VIP },
    [
      { type: 'move', src: { field: 'eth_src' }, dst: { field: 'eth_dst' } },
      { type: 'move', src: { field: 'ipv4_src' }, dst: { field: 'ipv4_dst' } },
      { type: 'set_field', field: 'ipv4_src', value: VIP },
      { type: 'set_field', field: 'icmp_type', value: 0 },
      { type: 'set_field', field: 'ip_ttl', value: 64 },
      { type: 'output', port: PORT.IN_PORT },
    ],
  ],
  [{ eth_type: 0x0800, ip_frag: 'later', ip_dscp: 46, ip_ecn: 1 }, [{ type: 'dec_ttl' }, { type: 'output', port: 1 }]],
  // Director: accounting
  [
    { ...TCP, reg0: 1002 },
    [
      { type: 'sample', probability: 65535, collectorSet: 0xc705, domain: 0xc705, point: 1002 },
      { type: 'set_field', field: 'tcp_dst', value: 8080 },
      { type: 'output', port: 5 },
    ],
  ],
  // Overlay
  [
    { tun_id: 100, tun_src: '172.24.1.0/24', eth_dst: '01:00:00:00:00:00/01:00:00:00:00:00' },
    [{ type: 'output', port: PORT.FLOOD }],
  ],
  [
    { in_port: 5, tun_id: 100, reg13: 0 },
    [
      {
        type: 'learn',
        table: 62,
        priority: 200,
        cookie: 0xc705_3000_0000_0000n,
        idleTimeout: 300,
        deleteLearned: true,
        specs: [
          { type: 'match', dst: { field: 'eth_dst' }, src: { field: 'eth_src' } },
          { type: 'load', dst: { field: 'tun_dst' }, src: { field: 'tun_src' } },
          { type: 'load', dst: { field: 'tun_id' }, src: { value: 100 } },
          { type: 'output', src: { field: 'in_port' } },
        ],
      },
      { type: 'resubmit', table: 0 },
    ],
  ],
  // VLANs in every notation
  [{ vlan_tci: 0 }, []],
  [{ vlan_tci: '0x1000/0x1000' }, []],
  [{ vlan_pcp: 3 }, []],
  [{ vlan_vid: 0x1064, vlan_pcp: 0 }, []],
  // IPv6
  [
    { eth_type: 0x86dd, ip_proto: 6, ipv6_src: '2001:db8::/32', ipv6_dst: '2001:DB8::1', tcp_dst: '0x50/0xfff0' },
    [
      { type: 'set_field', field: 'ipv6_dst', value: 'fe80::1' },
      { type: 'output', port: 1 },
    ],
  ],
  [{ eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 135, nd_target: 'fe80::1', nd_sll: VM_MAC }, []],
  // Learned connections, controller, registers
  [
    TCP,
    [
      {
        type: 'learn',
        table: 30,
        priority: 100,
        cookie: 0xc705n,
        idleTimeout: 300,
        specs: [
          { type: 'match', dst: { field: 'eth_type' }, src: { value: 0x0800 } },
          { type: 'match', dst: { field: 'ip_proto' }, src: { value: 6 } },
          { type: 'match', dst: { field: 'ipv4_src' }, src: { field: 'ipv4_src' } },
          { type: 'match', dst: { field: 'tcp_src' }, src: { field: 'tcp_src' } },
          { type: 'load', dst: { field: 'eth_dst' }, src: { value: HOST_MAC } },
          { type: 'load', dst: { field: 'reg0', offset: 0, bits: 16 }, src: { field: 'in_port' } },
          { type: 'output', src: { field: 'reg0', offset: 0, bits: 16 } },
        ],
      },
      { type: 'output_field', src: { field: 'reg0' } },
      { type: 'output', port: PORT.CONTROLLER, maxLen: 128 },
    ],
  ],
  [
    { pkt_mark: 1 },
    [
      { type: 'resubmit', port: 7 },
      { type: 'resubmit', port: PORT.LOCAL, table: 40 },
    ],
  ],
  [
    { in_port: 9 },
    [
      { type: 'output', port: 1 },
      { type: 'goto_table', table: 50 },
    ],
  ],
  [{}, [{ type: 'output', port: PORT.NORMAL }]],
]

export const FLOWS: readonly Flow[] = rules.map(([match, actions], i) => ({
  table: i % 3,
  priority: i === rules.length - 1 ? 0 : 32768 - i,
  cookie: 0xc705_1001_0000_0000n | BigInt(i),
  match,
  actions,
}))

const choose = (n: number): Action[] => [
  { type: 'set_field', field: 'reg0', value: n },
  { type: 'resubmit', table: 15 },
]

export const GROUPS: readonly Group[] = [
  {
    id: 0xc702_0001,
    type: 'select',
    selectionMethod: 'dp_hash',
    buckets: [
      { id: 1001, weight: 100, actions: choose(1001) },
      { id: 7, weight: 1, actions: choose(7) },
    ],
  },
  {
    id: 1,
    type: 'select',
    selectionMethod: 'hash',
    hashFields: ['tcp_src', 'ipv4_src'],
    buckets: [{ id: 3, weight: 100, actions: choose(3) }],
  },
  { id: 3, type: 'select', selectionMethod: 'dp_hash', buckets: [] },
  {
    id: 4,
    type: 'all',
    buckets: [
      { id: 0, weight: 0, actions: [{ type: 'output', port: 1 }] },
      { id: 1, weight: 0, actions: [{ type: 'output', port: 2 }] },
    ],
  },
  { id: 5, type: 'indirect', buckets: [{ id: 0, weight: 0, actions: [{ type: 'output', port: 1 }] }] },
]
