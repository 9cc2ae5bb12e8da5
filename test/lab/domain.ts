import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { execa } from 'execa'
import { guestImage } from './paths.ts'
import type { Place } from './place.ts'
import type { VmPlan } from './plan.ts'

const OFFLOADS_OFF =
  "<host csum='off' gso='off' tso4='off' tso6='off' ecn='off' ufo='off'/><guest csum='off' tso4='off' tso6='off' ecn='off' ufo='off'/>"

const KERNEL_ARGUMENTS =
  'console=ttyS0 quiet loglevel=3 panic=1 net.ifnames=0 ipv6.disable=1 mitigations=off nokaslr cryptomgr.notests reboot=pci'

/** Socket of the lab's channel to the guest, inside the host. */
export function shellSocket(name: string): string {
  return `/run/lab-${name}.sock`
}

/** The libvirt domain of a VM: TCG, a virtio NIC on br0 without checksum offload, a disk, and the guest agent's channel. */
export function domainXml(vm: VmPlan): string {
  const vlan = vm.vlan === undefined ? '' : `<vlan><tag id='${vm.vlan}'/></vlan>`
  const agent = vm.agentChannel
    ? `<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`
    : ''
  return `<domain type='qemu'>
  <name>${vm.name}</name>
  <uuid>${vm.uuid}</uuid>
  <memory unit='MiB'>160</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>${guestImage}/kernel</kernel>
    <initrd>${guestImage}/initrd.img</initrd>
    <cmdline>${KERNEL_ARGUMENTS}</cmdline>
  </os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <on_crash>restart</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='${diskPath(vm.name)}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'>
      <mac address='${vm.mac}'/>
      <source bridge='br0'/>
      <virtualport type='openvswitch'/>${vlan}
      <model type='virtio'/>${vm.mtu === 1500 ? '' : `<mtu size='${vm.mtu}'/>`}
      <rom enabled='no'/>
      <driver name='qemu'>${OFFLOADS_OFF}</driver>
    </interface>
    ${agent}
    <channel type='unix'>
      <source mode='bind' path='${shellSocket(vm.name)}'/>
      <target type='virtio' name='org.crossport.lab.0'/>
    </channel>
    <serial type='pty'><log file='/var/log/libvirt/qemu/${vm.name}-console.log'/></serial>
    <console type='pty'/>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
`
}

function diskPath(name: string): string {
  return `/var/lib/libvirt/images/${name}.img`
}

/** Makes a VM's disk on its host: ext4 with the guest's RHEL-style /etc as the directory /etc. */
export async function makeDisk(host: Place, vm: VmPlan, labDir: string): Promise<void> {
  const stage = await mkdtemp(path.join(labDir, `disk-${vm.name}-`))
  try {
    const etc = path.join(stage, 'etc')
    await cp(path.join(guestImage, 'etc'), etc, { recursive: true, mode: 0 })
    const scripts = path.join(etc, 'sysconfig/network-scripts')
    await mkdir(scripts, { recursive: true })
    await writeFile(path.join(etc, 'hostname'), `${vm.name}\n`)
    await writeFile(path.join(scripts, 'ifcfg-eth0'), ifcfg(vm))
    await writeFile(path.join(etc, 'sysconfig/qemu-ga'), await qemuGaSettings(etc, vm))
    const disk = host.path(diskPath(vm.name))
    await mkdir(path.dirname(disk), { recursive: true })
    await execa('mke2fs', ['-q', '-t', 'ext4', '-d', stage, disk, '8m'], {
      env: { PATH: '/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin' },
    })
  } finally {
    await rm(stage, { recursive: true, force: true })
  }
}

/** The NIC's own address. It is known to be free, so it needs no duplicate address probe, which would take seconds. */
export function ifcfg(vm: VmPlan): string {
  return [
    'DEVICE=eth0',
    'TYPE=Ethernet',
    'BOOTPROTO=none',
    'ONBOOT=yes',
    `HWADDR=${vm.mac}`,
    `IPADDR=${vm.ip}`,
    'PREFIX=24',
    'ARPCHECK=no',
    ...(vm.gateway === undefined ? [] : [`GATEWAY=${vm.gateway}`]),
    '',
  ].join('\n')
}

async function qemuGaSettings(etc: string, vm: VmPlan): Promise<string> {
  const text = await readFile(path.join(etc, 'sysconfig/qemu-ga'), 'utf8')
  return text.replace(/^BLACKLIST_RPC=.*$/m, `BLACKLIST_RPC=${vm.blockedRpcs.join(',')}`)
}
