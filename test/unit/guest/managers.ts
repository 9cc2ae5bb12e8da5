import type { Look } from '../../../agent/guest/owners/types.ts'
import { ModelGuest } from './model-guest.ts'

/** A guest's state as its managers show it: as recorded in guests of Debian 12, but for those that Debian does not have. */
export interface Facts {
  readonly files: Readonly<Record<string, string>>
  readonly folders?: readonly string[]
  /** What programs print, by command line. */
  readonly programs?: Readonly<Record<string, string>>
}

const link = (file: string, state = 'configured') =>
  [
    '# This is private data. Do not parse.',
    `ADMIN_STATE=${state}`,
    'OPER_STATE=routable',
    'CARRIER_STATE=carrier',
    'ONLINE_STATE=online',
    'REQUIRED_FOR_ONLINE=yes',
    `NETWORK_FILE=${file}`,
    'DNS=',
    '',
  ].join('\n')

const NMCLI = 'nmcli -t -f GENERAL.STATE,GENERAL.CONNECTION,GENERAL.NM-MANAGED device show eth0'
const nmcli = (connection: string, state = '100 (connected)', managed = 'yes') =>
  `GENERAL.STATE:${state}\nGENERAL.CONNECTION:${connection}\nGENERAL.NM-MANAGED:${managed}\n`

const INDEX = { '/sys/class/net/eth0/ifindex': '2\n' }
const UNMANAGED = '# This is private data. Do not parse.\nADMIN_STATE=unmanaged\nOPER_STATE=routable\n'
const DISPATCHER = '/etc/NetworkManager/dispatcher.d'
const IFCFG = { '/etc/sysconfig/network-scripts/ifcfg-eth0': 'DEVICE=eth0\nONBOOT=yes\n' }

export const MANAGERS = {
  networkd: {
    files: {
      ...INDEX,
      '/etc/systemd/network/20-lan.network': '[Match]\nName=eth0\n[Network]\nAddress=172.30.0.7/24\n',
      '/run/systemd/netif/links/2': link('/etc/systemd/network/20-lan.network', 'configuring'),
    },
  },
  netplan: {
    files: {
      ...INDEX,
      '/etc/netplan/50-cloud-init.yaml': 'network: {version: 2}\n',
      '/run/systemd/network/10-netplan-nic0.network': '[Match]\n',
      '/run/systemd/netif/links/2': link('/run/systemd/network/10-netplan-nic0.network'),
    },
    // A package's empty folder stays.
    folders: ['/etc/systemd/network'],
  },
  'network-manager': {
    files: {
      ...INDEX,
      [`${DISPATCHER}/01-ifupdown`]: '#!/bin/sh -e\n',
      '/etc/NetworkManager/system-connections/lan.nmconnection': '[connection]\nid=lan\n',
    },
    programs: { [NMCLI]: nmcli('lan') },
  },
  'netplan-network-manager': {
    files: { ...INDEX, [`${DISPATCHER}/01-ifupdown`]: '#!/bin/sh -e\n', '/run/systemd/netif/links/2': UNMANAGED },
    programs: { [NMCLI]: nmcli('netplan-eth0') },
  },
  ifupdown: {
    files: {
      ...INDEX,
      '/run/network/ifstate': 'lo=lo\neth0=eth0\n',
      '/etc/network/interfaces': 'source-directory /etc/network/interfaces.d\n',
      '/etc/network/interfaces.d/50-cloud-init': 'auto eth0\niface eth0 inet dhcp\n',
      '/etc/network/if-up.d/resolved': '#!/bin/sh\n',
    },
  },
  busybox: {
    files: { ...INDEX, '/run/ifstate': 'lo=lo\neth0=eth0\n', '/etc/network/interfaces': 'auto eth0\n' },
  },
  'ifupdown-ng': {
    files: { ...INDEX, '/run/ifstate': 'lo=lo 1\neth0=eth0 1 explicit\n', '/etc/network/interfaces': 'auto eth0\n' },
    folders: ['/etc/network/if-up.d'],
  },
  'network-scripts': { files: { ...INDEX, ...IFCFG } },
  'network-scripts-by-network-manager': {
    files: { ...INDEX, ...IFCFG, [`${DISPATCHER}/11-dhclient`]: '#!/bin/sh\n' },
    programs: { [NMCLI]: nmcli('System eth0') },
  },
  wicked: {
    files: { ...INDEX, '/etc/sysconfig/network/ifcfg-eth0': "BOOTPROTO='static'\nIPADDR='172.30.0.7/24'" },
    programs: { 'wicked ifstatus --brief eth0': 'eth0            up\n' },
  },
  dhcpcd: {
    files: {
      ...INDEX,
      '/run/dhcpcd/pid': '36\n',
      '/proc/36/comm': 'dhcpcd\n',
      '/lib/dhcpcd/dhcpcd-hooks/20-resolv.conf': '# Generate /etc/resolv.conf\n',
    },
  },
  connman: { files: { ...INDEX }, programs: { 'connmanctl state': '  State = ready\n  OfflineMode = False\n' } },
} satisfies Record<string, Facts>

/** Guests whose managers are there, and have the NIC not. */
export const NOBODY = {
  'networkd that leaves the NIC alone': { files: { ...INDEX, '/run/systemd/netif/links/2': UNMANAGED } },
  'a NetworkManager that only looks on': {
    files: INDEX,
    programs: { [NMCLI]: nmcli('eth0', '100 (connected (externally))') },
  },
  'a NetworkManager that does not manage the NIC': {
    files: INDEX,
    programs: { [NMCLI]: nmcli('', '10 (unmanaged)', 'no') },
  },
  'an ifupdown that has another NIC': { files: { ...INDEX, '/run/network/ifstate': 'lo=lo\neth01=eth01\n' } },
  'a dhcpcd that was killed': { files: { ...INDEX, '/run/dhcpcd/pid': '36\n', '/proc/36/comm': 'sh\n' } },
  'a wicked that does not know the NIC': {
    files: { ...INDEX, '/etc/sysconfig/network/ifcfg-eth0': '' },
    programs: { 'wicked ifstatus --brief eth0': 'eth0            no-config\n' },
  },
  'a state of networkd that leads elsewhere': {
    files: { ...INDEX, '/run/systemd/netif/links/2': link('/etc/systemd/network/../../x y.network') },
  },
  'an index that is none': { files: { '/sys/class/net/eth0/ifindex': '../2\n' } },
} satisfies Record<string, Facts>

export function look({ files, folders = [], programs = {} }: Facts, nic = 'eth0'): Look {
  const there = (path: string) =>
    path in files || folders.includes(path) || Object.keys(files).some(file => file.startsWith(`${path}/`))
  return {
    nic,
    read: async path => files[path],
    run: async (...argv) => programs[argv.join(' ')],
    find: async (...paths) => paths.find(there),
  }
}

export function guestOf({ files, folders = [], programs = {} }: Facts): ModelGuest {
  const guest = new ModelGuest()
  guest.files = new Map(Object.entries(files))
  guest.folders = new Set(folders)
  guest.programs = new Map(Object.entries(programs))
  return guest
}
