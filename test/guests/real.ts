import type { MachineOptions } from './machine.ts'

/** A manager that owns eth0 of a guest of its own, and what its users do to it. */
export interface Real extends Pick<MachineOptions, 'name' | 'layers' | 'files' | 'units' | 'dhcp'> {
  /** What the agent says of the NIC's owner. */
  readonly owner: string
  /** Whether it has a place for a VIP. */
  readonly keeps: boolean
  /** What takes addresses away, or might: a name and a command line for sh in the guest. */
  readonly events: readonly (readonly [string, string])[]
}

const networkd = (network: string) => ({
  layers: [],
  files: { '/etc/systemd/network/20-lan.network': `[Match]\nName=eth0\n[Network]\n${network}\n` },
  units: ['systemd-networkd.service'],
  owner: 'systemd-networkd',
  keeps: true,
  events: [
    ['reload', 'networkctl reload'],
    ['reconfigure', 'networkctl reconfigure eth0'],
    ['restart', 'systemctl restart systemd-networkd'],
  ] as const,
})

const networkManager = (ipv4: string) => ({
  layers: ['network-manager'],
  files: {
    '/etc/NetworkManager/system-connections/lan.nmconnection': [
      '[connection]\nid=lan\ntype=ethernet\ninterface-name=eth0',
      `[ipv4]\n${ipv4}`,
      '[ipv6]\nmethod=link-local\n',
    ].join('\n'),
  },
  owner: 'NetworkManager',
  keeps: true,
  events: [
    ['reapply', 'nmcli device reapply eth0'],
    ['connection up', 'nmcli connection up lan'],
    ['reload', 'nmcli general reload'],
    ['restart', 'systemctl restart NetworkManager'],
  ] as const,
})

const netplan = (renderer: string, how: string) => ({
  files: {
    '/etc/netplan/50-cloud-init.yaml': [
      'network:\n  version: 2',
      `  renderer: ${renderer}\n  ethernets:\n    eth0:\n      ${how}\n`,
    ].join('\n'),
  },
  keeps: true,
})

const overNetworkd = {
  layers: ['netplan'],
  units: ['systemd-networkd.service'],
  owner: 'netplan over systemd-networkd',
  events: [
    ['generate, reload', 'netplan generate; networkctl reload'],
    ['restart', 'systemctl restart systemd-networkd'],
  ] as const,
}

const overNetworkManager = {
  layers: ['netplan-nm', 'network-manager'],
  owner: 'netplan over NetworkManager',
  events: [['generate, restart', 'netplan generate; systemctl restart NetworkManager']] as const,
}

const ifupdown = (stanza: string) => ({
  layers: ['ifupdown'],
  files: {
    '/etc/network/interfaces': `auto lo\niface lo inet loopback\nauto eth0\n${stanza}\n`,
  },
  owner: 'ifupdown',
  keeps: true,
  events: [
    ['ifdown, ifup', 'ifdown eth0; ifup eth0'],
    ['restart', 'systemctl restart networking'],
  ] as const,
})

/** In Debian, too, but for its boot script. */
const BUSYBOX_UNIT = `[Unit]
Before=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/busybox ifup -a
ExecStop=/bin/busybox ifdown -a
[Install]
WantedBy=multi-user.target
`

/** BusyBox's ifup fails without its folders; Alpine's package brings them. */
const BUSYBOX_FOLDERS = Object.fromEntries(
  ['pre-up', 'up', 'down', 'post-down'].map(phase => [`/etc/network/if-${phase}.d/.keep`, '']),
)

const INTERFACES =
  'auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet static\n  address 172.30.0.7\n  netmask 255.255.255.0\n'

const dhcpcd = (configuration: string) => ({
  layers: ['dhcpcd'],
  files: { '/etc/dhcpcd.conf': `nodev\n${configuration}` },
  units: ['dhcpcd.service'],
  owner: 'dhcpcd',
  keeps: true,
  events: [['restart', 'systemctl restart dhcpcd']] as const,
})

/** Every manager that Debian 12 has, with an address of the owner's and with one by DHCP. */
export const REAL: readonly Real[] = [
  { name: 'nm', ...networkManager('method=manual\naddress1=172.30.0.7/24') },
  { name: 'nm-dhcp', dhcp: true, ...networkManager('method=auto') },
  { name: 'networkd', ...networkd('Address=172.30.0.7/24') },
  { name: 'netwd-dhcp', dhcp: true, ...networkd('DHCP=ipv4') },
  { name: 'netplan', ...netplan('networkd', 'addresses: [172.30.0.7/24]'), ...overNetworkd },
  { name: 'netpl-dhcp', dhcp: true, ...netplan('networkd', 'dhcp4: true'), ...overNetworkd },
  { name: 'netpl-nm', ...netplan('NetworkManager', 'addresses: [172.30.0.7/24]'), ...overNetworkManager },
  { name: 'ifupdown', ...ifupdown('iface eth0 inet static\n  address 172.30.0.7/24') },
  { name: 'ifup-dhcp', dhcp: true, ...ifupdown('iface eth0 inet dhcp') },
  {
    ...{ name: 'ifupdown-ng', layers: ['ifupdown-ng'], files: { '/etc/network/interfaces': INTERFACES } },
    ...{ owner: 'ifupdown of BusyBox or ifupdown-ng', keeps: true },
    events: [
      ['ifdown, ifup', 'ifdown eth0; ifup eth0'],
      ['restart', 'systemctl restart networking'],
    ],
  },
  {
    ...{ name: 'busybox', layers: ['busybox'], units: ['busybox-ifup.service'] },
    files: {
      ...BUSYBOX_FOLDERS,
      '/etc/network/interfaces': INTERFACES,
      '/etc/systemd/system/busybox-ifup.service': BUSYBOX_UNIT,
    },
    ...{ owner: 'ifupdown of BusyBox or ifupdown-ng', keeps: true },
    events: [
      ['ifdown, ifup', 'busybox ifdown eth0; busybox ifup eth0'],
      ['restart', 'systemctl restart busybox-ifup'],
    ],
  },
  { name: 'dhcpcd', ...dhcpcd('interface eth0\nstatic ip_address=172.30.0.7/24\n') },
  { name: 'dhcpcd-dhcp', dhcp: true, ...dhcpcd('') },
  { name: 'connman', dhcp: true, layers: ['connman'], owner: 'ConnMan', keeps: false, events: [] },
]
