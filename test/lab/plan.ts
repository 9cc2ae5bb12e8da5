/** What a lab is to consist of. Everything has a default. */
export interface LabOptions {
  /** RS hosts: rs1, rs2, … Default 2. */
  readonly hosts?: number
  /** Directors: director, director2, … Default 1. */
  readonly directors?: number
  /** Clients: client, client2, … Default 1. */
  readonly clients?: number
  /** A number: web-1 to web-N, spread over the hosts in turn. Default 3. */
  readonly vms?: number | readonly VmOptions[]
  /** VLAN-aware fabric (an Open vSwitch instead of the kernel's bridge, which may lack VLANs); needed for `vlan`. */
  readonly vlans?: boolean
  /** Access VLAN of the clients' ports on the fabric. */
  readonly clientVlan?: number
  /** fail_mode of br0 on RS hosts. Default: unset, which is standalone. */
  readonly failMode?: 'standalone' | 'secure'
}

export interface VmOptions {
  readonly name?: string
  /** Index of the RS host, from 0. Default: in turn. */
  readonly host?: number
  /** Access VLAN of the VM's port. */
  readonly vlan?: number
  /** 'domain': a libvirt domain (default). 'light': a namespace behind a veth, for load: no libvirt, no guest agent. */
  readonly kind?: 'domain' | 'light'
  /** Channel of the guest agent in the domain. Default true. */
  readonly agentChannel?: boolean
  /** Commands that the guest agent refuses, as in /etc/sysconfig/qemu-ga. */
  readonly blockedRpcs?: readonly string[]
  /** Define the domain, but do not start it. Default false. */
  readonly off?: boolean
}

export interface HostPlan {
  readonly name: string
  readonly role: 'director' | 'rs'
  readonly mac: string
  /** Address of the host in the underlay, on br0 (/24). */
  readonly ip: string
}

export interface ClientPlan {
  readonly name: string
  readonly mac: string
  readonly ip: string
}

export interface VmPlan {
  readonly name: string
  readonly host: string
  readonly mac: string
  /** The VM's own address (/24). */
  readonly ip: string
  readonly uuid: string
  readonly kind: 'domain' | 'light'
  readonly vlan: number | undefined
  readonly agentChannel: boolean
  readonly blockedRpcs: readonly string[]
  readonly off: boolean
}

export interface LabPlan {
  readonly hosts: readonly HostPlan[]
  readonly clients: readonly ClientPlan[]
  readonly vms: readonly VmPlan[]
  readonly vlans: boolean
  readonly clientVlan: number | undefined
  readonly failMode: 'standalone' | 'secure' | undefined
}

/**
 * Names and addresses of a lab, readable in a capture: the last byte of a MAC, read as decimal, is the last number of
 * the address (02:00:00:00:00:20 is 172.24.1.20; the third host is .22).
 */
export function planLab(options: LabOptions = {}): LabPlan {
  const { hosts = 2, directors = 1, clients = 1, vms = 3 } = options
  const directorPlans = sequence(directors).map((i): HostPlan => {
    return { name: numbered('director', i), role: 'director', mac: mac('02:00:00:00:01', i), ip: `172.24.1.${100 + i}` }
  })
  const hostPlans = sequence(hosts).map((i): HostPlan => {
    return { name: `rs${i + 1}`, role: 'rs', mac: mac('02:00:00:00:00', 20 + i), ip: `172.24.1.${20 + i}` }
  })
  const clientPlans = sequence(clients).map((i): ClientPlan => {
    return { name: numbered('client', i), mac: mac('02:00:00:00:00', 10 + i), ip: `10.10.1.${10 + i}` }
  })
  const vmOptions: readonly VmOptions[] = typeof vms === 'number' ? sequence(vms).map(() => ({})) : vms
  return {
    hosts: [...directorPlans, ...hostPlans],
    clients: clientPlans,
    vms: vmOptions.map((vm, i) => planVm(vm, i, hosts)),
    vlans: options.vlans === true || options.clientVlan !== undefined,
    clientVlan: options.clientVlan,
    failMode: options.failMode,
  }
}

function planVm(vm: VmOptions, i: number, hosts: number): VmPlan {
  const host = vm.host ?? i % hosts
  if (!(host >= 0 && host < hosts)) throw new Error(`VM ${i + 1}: there is no host ${host}`)
  return {
    name: vm.name ?? `web-${i + 1}`,
    host: `rs${host + 1}`,
    mac: mac('52:54:00:00:00', 21 + i),
    ip: `10.10.1.${21 + i}`,
    uuid: `00000000-0000-4000-8000-${String(21 + i).padStart(12, '0')}`,
    kind: vm.kind ?? 'domain',
    vlan: vm.vlan,
    agentChannel: vm.agentChannel ?? true,
    blockedRpcs: vm.blockedRpcs ?? [],
    off: vm.off ?? false,
  }
}

function mac(prefix: string, n: number): string {
  if (n > 99) throw new Error('a lab has room for fewer')
  return `${prefix}:${String(n).padStart(2, '0')}`
}

function numbered(name: string, i: number): string {
  return i === 0 ? name : `${name}${i + 1}`
}

function sequence(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i)
}
