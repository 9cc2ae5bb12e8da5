import test from 'ava'
import type { Edit } from '../../../agent/guest/edits.ts'
import { findOwner } from '../../../agent/guest/owners/all.ts'
import { type Facts, look, MANAGERS, NOBODY } from './managers.ts'

const VIP = '10.99.0.11'
const VIP6 = 'fd99::11'

const SET = `ip address replace ${VIP}/32 dev eth0 scope host 2>/dev/null || true`
const SET6 = [
  `ip address replace ${VIP6}/128 dev eth0 nodad preferred_lft 0 noprefixroute 2>/dev/null`,
  `ip address replace ${VIP6}/128 dev eth0 preferred_lft 0 noprefixroute 2>/dev/null`,
  'true',
].join(' || ')
const section = (vip: string, how: string) =>
  `[Address]\nAddress=${vip}\n${how}\nDuplicateAddressDetection=none\nAddPrefixRoute=no\n`
const dispatcher = (set: string) =>
  `#!/bin/sh\n[ "$1" = eth0 ] || exit 0\nPATH=$PATH:/usr/sbin:/sbin\ncase $2 in\nup | reapply | dhcp4-change | dhcp6-change) ${set} ;;\nesac\n`
const ifUp = (set: string) => `#!/bin/sh\n[ "$IFACE" = eth0 ] || exit 0\nPATH=$PATH:/usr/sbin:/sbin\n${set}\n`

type Want = readonly [path: string, text: string, permissionsOf: string] | string

/** By manager: its name, and what makes it keep an IPv4 and an IPv6 VIP, or why nothing does. */
const WANTED: Readonly<Record<keyof typeof MANAGERS, readonly [string, Want, Want]>> = {
  networkd: [
    'systemd-networkd',
    [
      '/etc/systemd/network/20-lan.network.d/crossport-eth0-10-99-0-11.conf',
      section(`${VIP}/32`, 'Scope=host'),
      '/etc/systemd/network/20-lan.network',
    ],
    [
      '/etc/systemd/network/20-lan.network.d/crossport-eth0-fd99--11.conf',
      section(`${VIP6}/128`, 'PreferredLifetime=0'),
      '/etc/systemd/network/20-lan.network',
    ],
  ],
  netplan: [
    'netplan over systemd-networkd',
    [
      '/etc/systemd/network/10-netplan-nic0.network.d/crossport-eth0-10-99-0-11.conf',
      section(`${VIP}/32`, 'Scope=host'),
      '/run/systemd/network/10-netplan-nic0.network',
    ],
    [
      '/etc/systemd/network/10-netplan-nic0.network.d/crossport-eth0-fd99--11.conf',
      section(`${VIP6}/128`, 'PreferredLifetime=0'),
      '/run/systemd/network/10-netplan-nic0.network',
    ],
  ],
  'network-manager': dispatched('NetworkManager'),
  'netplan-network-manager': dispatched('netplan over NetworkManager'),
  'network-scripts-by-network-manager': dispatched('NetworkManager'),
  ifupdown: hooked('ifupdown'),
  busybox: hooked('ifupdown of BusyBox or ifupdown-ng'),
  'ifupdown-ng': hooked('ifupdown of BusyBox or ifupdown-ng'),
  'network-scripts': [
    'network-scripts',
    [
      '/etc/sysconfig/network-scripts/ifcfg-eth0:cp02vr023',
      'DEVICE=eth0:cp02vr023\nIPADDR=10.99.0.11\nPREFIX=32\nNETMASK=255.255.255.255\nONPARENT=yes\nARPCHECK=no\nARPUPDATE=no\n',
      '/etc/sysconfig/network-scripts/ifcfg-eth0',
    ],
    'network-scripts has no place for an IPv6 address',
  ],
  wicked: [
    'wicked',
    [
      '/etc/sysconfig/network/ifcfg-eth0',
      "IPADDR_crossport_10_99_0_11='10.99.0.11/32'\nSCOPE_crossport_10_99_0_11='host'\n",
      'lines',
    ],
    [
      '/etc/sysconfig/network/ifcfg-eth0',
      "IPADDR_crossport_fd99__11='fd99::11/128'\nIP_OPTIONS_crossport_fd99__11='nodad preferred_lft 0 noprefixroute'\n",
      'lines',
    ],
  ],
  dhcpcd: [
    'dhcpcd',
    ['/lib/dhcpcd/dhcpcd-hooks/90-crossport-eth0-10-99-0-11', hook(SET), '/lib/dhcpcd/dhcpcd-hooks/20-resolv.conf'],
    ['/lib/dhcpcd/dhcpcd-hooks/90-crossport-eth0-fd99--11', hook(SET6), '/lib/dhcpcd/dhcpcd-hooks/20-resolv.conf'],
  ],
  connman: ['ConnMan', 'ConnMan has no place for a second address', 'ConnMan has no place for a second address'],
}

function dispatched(name: string): readonly [string, Want, Want] {
  const folder = '/etc/NetworkManager/dispatcher.d'
  return [
    name,
    [`${folder}/90-crossport-eth0-10-99-0-11`, dispatcher(SET), folder],
    [`${folder}/90-crossport-eth0-fd99--11`, dispatcher(SET6), folder],
  ]
}

function hooked(name: string): readonly [string, Want, Want] {
  const folder = '/etc/network/if-up.d'
  return [
    name,
    [`${folder}/crossport-eth0-10-99-0-11`, ifUp(SET), folder],
    [`${folder}/crossport-eth0-fd99--11`, ifUp(SET6), folder],
  ]
}

function hook(set: string): string {
  const reasons = 'BOUND | RENEW | REBIND | REBOOT | STATIC | INFORM | TIMEOUT | IPV4LL | CARRIER | ROUTERADVERT'
  return `if [ "$interface" = eth0 ]; then\n  case $reason in\n  ${reasons}) ${set} ;;\n  esac\nfi\n`
}

function told(ways: readonly (readonly Edit[])[] | string | undefined): Want | undefined {
  const edit = typeof ways === 'object' ? ways[0]?.[0] : undefined
  if (edit === undefined) return ways as string | undefined
  return [edit.path, edit.text, edit.kind === 'lines' ? 'lines' : edit.neighbour]
}

for (const [name, [owner, four, six]] of Object.entries(WANTED))
  test(`${name}: the state says who owns the NIC, and what is written is this`, async t => {
    const found = await findOwner(look(MANAGERS[name as keyof typeof MANAGERS]))
    t.is(found?.owner, owner)
    t.regex(found?.why ?? '', /eth0/)
    t.deepEqual(told(found?.edits(VIP)), four)
    t.deepEqual(told(found?.edits(VIP6)), six)
  })

for (const [name, facts] of Object.entries<Facts>(NOBODY))
  test(`${name} is no owner`, async t => {
    t.is(await findOwner(look(facts)), undefined)
  })

test('of several managers that are there, the one whose state says so has the NIC', async t => {
  const all = (...facts: readonly Facts[]): Facts => ({
    files: Object.assign({}, ...facts.map(({ files }) => files)),
    programs: Object.assign({}, ...facts.map(({ programs }) => programs ?? {})),
  })
  const owner = async (...facts: readonly Facts[]) => (await findOwner(look(all(...facts))))?.owner
  const { networkd, ifupdown, dhcpcd, connman } = MANAGERS
  t.is(await owner(connman, dhcpcd, ifupdown), 'ifupdown')
  t.is(await owner(connman, MANAGERS['network-manager'], ifupdown), 'NetworkManager')
  t.is(await owner(MANAGERS['network-scripts-by-network-manager'], networkd), 'systemd-networkd')
  t.is(await owner(NOBODY['networkd that leaves the NIC alone'], ifupdown), 'ifupdown')
})
