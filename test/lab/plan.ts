import { type Encapsulation, OVERHEAD } from '../../shared/config/overlay.ts'
import { DATAPATH } from './datapath.ts'

/** The test machine has no libvirt, and emulation is too slow there. */
const USUAL_KIND = DATAPATH === 'system' ? 'space' : 'domain'

/** The content of a lab. Everything has a default. */
export interface LabOptions {
  /** RS hosts: rs1, rs2, … Default 2. */
  readonly hosts?: number
  /** Directors: director, director2, … Default 1. */
  readonly directors?: number
  /** Clients: client, client2, … Default 1. */
  readonly clients?: number | readonly ClientOptions[]
  /** A number: web-1 to web-N, distributed over the hosts in turn. Default 3. */
  readonly vms?: number | readonly VmOptions[]
  /** VLAN-aware fabric (an Open vSwitch instead of the kernel's bridge, which may lack VLANs); needed for `vlan`. */
  readonly vlans?: boolean
  /** Access VLAN of the clients' ports on the fabric. */
  readonly clientVlan?: number
  /** Tunnels between the hosts instead of a segment; each client is on a host of its own (clienthost, clienthost2, …). */
  readonly overlay?: OverlayOptions
  /** What is under a host's uplink, by host: a bond with one port, or a VLAN. Default: nothing. Not with `vlans`. */
  readonly uplinks?: Readonly<Record<string, 'bond' | 'vlan'>>
  /** fail_mode of br0 on RS hosts. Default: unset, which is standalone. */
  readonly failMode?: 'standalone' | 'secure'
}

export interface OverlayOptions {
  /** Default vxlan. */
  readonly encapsulation?: Encapsulation
  /** The director is a VM on dirhost, which has the director's usual underlay address. Default false. */
  readonly directorVm?: boolean
}

export interface ClientOptions {
  /** The client is on 192.168.7.0/24, behind a router that is 10.10.1.1 on the virtual network. */
  readonly gateway?: {
    /** MTU of the router's link to the client; the client itself has 1500. Default 1500. */ readonly mtu?: number
  }
}

export interface VmOptions {
  readonly name?: string
  /** Index of the RS host, from 0. Default: in turn. */
  readonly host?: number
  /** Access VLAN of the VM's port. */
  readonly vlan?: number
  /**
   * 'domain': a libvirt domain (default). 'light': a namespace behind a veth, for load: no libvirt, no guest agent. 'space': a
   * namespace that a stand-in for libvirt knows, with a guest agent; the test machine uses it for domains.
   */
  readonly kind?: 'domain' | 'light' | 'space'
  /** Whether the domain has the guest agent's channel. Default true. */
  readonly agentChannel?: boolean
  /** Commands that the guest agent refuses, as in /etc/sysconfig/qemu-ga. */
  readonly blockedRpcs?: readonly string[]
  /** MTU of the VM's interface. Default: 1450 on an overlay, else 1500. */
  readonly mtu?: number
  /** Define the domain without starting it. Default false. */
  readonly off?: boolean
}

export interface HostPlan {
  readonly name: string
  readonly role: 'director' | 'rs' | 'client'
  readonly mac: string
  /** Underlay address of the host (/24): on br0, on an overlay on br-phy. */
  readonly ip: string
  /** For a director in a VM: the VM's host. br0 is then the VM's, and `ip` is on a management interface. */
  readonly vmOn?: string
}

export interface ClientPlan {
  readonly name: string
  readonly mac: string
  readonly ip: string
  /** Overlay: the host of the client, or of its gateway. */
  readonly host: string | undefined
  /** The client's router. */
  readonly gateway: GatewayPlan | undefined
}

export interface GatewayPlan {
  readonly name: string
  readonly mac: string
  /** Address on the virtual network. */
  readonly ip: string
  /** Address on the client's link. */
  readonly linkIp: string
  readonly mtu: number
}

export interface OverlayPlan {
  readonly encapsulation: Encapsulation
  readonly networkKey: number
  /** MTU inside the tunnels over an underlay of 1500. */
  readonly mtu: number
}

export interface VmPlan {
  readonly name: string
  readonly host: string
  readonly mac: string
  /** The VM's own address (/24). */
  readonly ip: string
  readonly uuid: string
  readonly kind: 'domain' | 'light' | 'space'
  readonly vlan: number | undefined
  readonly agentChannel: boolean
  readonly blockedRpcs: readonly string[]
  readonly off: boolean
  readonly mtu: number
  readonly gateway: string | undefined
}

export interface LabPlan {
  readonly hosts: readonly HostPlan[]
  readonly clients: readonly ClientPlan[]
  readonly vms: readonly VmPlan[]
  readonly vlans: boolean
  readonly clientVlan: number | undefined
  readonly uplinks: Readonly<Record<string, 'bond' | 'vlan'>>
  readonly overlay: OverlayPlan | undefined
  readonly failMode: 'standalone' | 'secure' | undefined
}

/**
 * Names and addresses of a lab, readable in a capture: the last byte of a MAC, read as decimal, is the last number of the address
 * (02:00:00:00:00:20 is 172.24.1.20; the third host is .22).
 */
export function planLab(options: LabOptions = {}): LabPlan {
  const { hosts = 2, directors = 1, clients = 1, vms = 3 } = options
  const clientOptions: readonly ClientOptions[] =
    typeof clients === 'number' ? sequence(clients).map(() => ({})) : clients
  const overlay = options.overlay === undefined ? undefined : planOverlay(options.overlay)
  const directorPlans = sequence(directors).map((i): HostPlan => {
    const common = { name: numbered('director', i), role: 'director', mac: mac('02:00:00:00:01', i) } as const
    if (options.overlay?.directorVm === true) return { ...common, ip: `172.24.1.${200 + i}`, vmOn: 'dirhost' }
    return { ...common, ip: `172.24.1.${100 + i}` }
  })
  const directorHosts: HostPlan[] = directorPlans.some(({ vmOn }) => vmOn !== undefined)
    ? [{ name: 'dirhost', role: 'client', mac: '02:00:00:00:02:00', ip: '172.24.1.100' }]
    : []
  const hostPlans = sequence(hosts).map((i): HostPlan => {
    return { name: `rs${i + 1}`, role: 'rs', mac: mac('02:00:00:00:00', 20 + i), ip: `172.24.1.${20 + i}` }
  })
  const clientPlans = clientOptions.map((client, i) => planClient(client, i, overlay !== undefined))
  const clientHosts = clientPlans.flatMap(({ host }, i): HostPlan[] => {
    if (host === undefined) return []
    return [{ name: host, role: 'client', mac: mac('02:00:00:00:02', 10 + i), ip: `172.24.1.${10 + i}` }]
  })
  const vmOptions: readonly VmOptions[] = typeof vms === 'number' ? sequence(vms).map(() => ({})) : vms
  return {
    // Hosts come before their VMs.
    hosts: [...directorHosts, ...clientHosts, ...hostPlans, ...directorPlans],
    clients: clientPlans,
    vms: vmOptions.map((vm, i) => planVm(vm, i, hosts, overlay, clientPlans)),
    overlay,
    vlans: options.vlans === true || options.clientVlan !== undefined,
    clientVlan: options.clientVlan,
    uplinks: options.uplinks ?? {},
    failMode: options.failMode,
  }
}

/** Whether the lab itself stands in for this host's libvirt: it has spaces, or may get one, and no domains. */
export function hasStandIn({ vms }: LabPlan, host: HostPlan): boolean {
  const domains = vms.some(vm => vm.kind === 'domain' && vm.host === host.name)
  return host.role === 'rs' && vms.some(vm => vm.kind === 'space') && !domains
}

function planOverlay({ encapsulation = 'vxlan' }: OverlayOptions): OverlayPlan {
  return { encapsulation, networkKey: 100, mtu: 1500 - OVERHEAD[encapsulation] }
}

function planClient({ gateway }: ClientOptions, i: number, overlay: boolean): ClientPlan {
  return {
    name: numbered('client', i),
    mac: mac('02:00:00:00:00', 10 + i),
    ip: gateway === undefined ? `10.10.1.${10 + i}` : `192.168.${7 + i}.20`,
    host: overlay ? numbered('clienthost', i) : undefined,
    gateway:
      gateway === undefined
        ? undefined
        : {
            name: numbered('gateway', i),
            mac: mac('02:00:00:00:03', 1 + i),
            ip: `10.10.1.${1 + i}`,
            linkIp: `192.168.${7 + i}.1`,
            mtu: gateway.mtu ?? 1500,
          },
  }
}

function planVm(
  vm: VmOptions,
  i: number,
  hosts: number,
  overlay: OverlayPlan | undefined,
  clients: readonly ClientPlan[],
): VmPlan {
  const host = vm.host ?? i % hosts
  if (!(host >= 0 && host < hosts)) throw new Error(`VM ${i + 1}: there is no host ${host}`)
  return {
    name: vm.name ?? `web-${i + 1}`,
    host: `rs${host + 1}`,
    mac: mac('52:54:00:00:00', 21 + i),
    ip: `10.10.1.${21 + i}`,
    uuid: `00000000-0000-4000-8000-${String(21 + i).padStart(12, '0')}`,
    kind: vm.kind ?? USUAL_KIND,
    vlan: vm.vlan,
    agentChannel: vm.agentChannel ?? true,
    blockedRpcs: vm.blockedRpcs ?? [],
    off: vm.off ?? false,
    mtu: vm.mtu ?? overlay?.mtu ?? 1500,
    gateway: clients.find(client => client.gateway !== undefined)?.gateway?.ip,
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
