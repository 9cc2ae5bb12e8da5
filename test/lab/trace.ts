import { recallMacOf } from '../../director/compile/fabric.ts'
import type { Lab } from './lab.ts'
import type { Packet } from './pcap.ts'
import type { HostPlan } from './plan.ts'
import { decapsulate, TUNNEL_FILTER, type Tunnelled } from './tunnel.ts'
import type { LabVm } from './vm.ts'

/** The headers of one packet at one place on its way. */
export interface Hop {
  readonly what: string
  /** `address:port` */
  readonly ipSrc: string
  readonly ipDst: string
  readonly ethSrc: string
  readonly ethDst: string
  /** Overlay: the hosts at the ends of the tunnel, as `source > destination`; '-' outside a tunnel. */
  readonly outer?: string
}

export interface Trace {
  readonly vm: LabVm
  readonly host: HostPlan
  /** Destination port between director and host. */
  readonly ingressPort: number
  readonly hops: readonly Hop[]
  /** The expected hops, in the same order. */
  readonly expected: readonly Hop[]
  /** Packets from the VIP that were seen at the director, without the copies that are meant for it. */
  readonly repliesAtDirector: number
  /** Signals of the connection from hosts to the director: number and bytes. */
  readonly signals: { readonly frames: number; readonly bytes: number }
}

/**
 * One request from `clientPort`, captured at client, director, hosts and VM ports at once: the headers of its SYN and of the
 * answer at each place, and the expected ones (docs/data-path.md, "A packet's way").
 */
export async function traceRequest(
  lab: Lab,
  vip: string,
  vipPort: number,
  rsPort: number,
  clientPort: number,
): Promise<Trace> {
  const hosts = lab.plan.hosts.filter(host => host.role === 'rs')
  const director = lab.plan.hosts.find(host => host.role === 'director')!
  const client = lab.plan.clients[0]!
  const overlay = lab.plan.overlay !== undefined
  const recallMac = recallMacOf(director.mac)
  const filter = `host ${vip} and tcp port ${clientPort}`
  const inTunnels = [director.name, ...hosts.map(host => host.name)]
  const places = ['client', ...lab.vms.map(vm => vm.name), ...inTunnels]
  const captures = new Map(
    await Promise.all(
      places.map(async name => {
        const tunnelled = overlay && inTunnels.includes(name)
        return [name, await lab.capture(name, tunnelled ? TUNNEL_FILTER : filter)] as const
      }),
    ),
  )
  const url = `http://${vip}:${vipPort}/`
  const curl = ['curl', '-sS', '-m', '10', '--local-port', String(clientPort), url]
  const { stdout, stderr } = await lab.client.exec(curl, { check: false })
  const vm = lab.vms.find(candidate => candidate.name === stdout.trim())
  if (vm === undefined) throw new Error(`${url}: no VM of the lab has answered, but: '${stdout}${stderr}'`)
  const host = hosts.find(candidate => candidate.name === vm.plan.host)!

  const fits = (packet: Packet, flags: string, ethSrc?: string) =>
    packet.flags === flags &&
    (packet.ports?.src === clientPort || packet.ports?.dst === clientPort) &&
    packet.ethDst !== recallMac &&
    (ethSrc === undefined || packet.ethSrc === ethSrc)
  const at = async (place: string, flags: string, ethSrc?: string): Promise<Packet | Tunnelled> => {
    const inner = (packet: Packet) => decapsulate(packet) ?? packet
    return inner(await captures.get(place)!.waitFor(packet => fits(inner(packet), flags, ethSrc)))
  }
  // A SYN comes from R, so that the fabric knows where hosts' signals go.
  const forwarded = await at(host.name, 'S', recallMac)
  const hop = hopOf(overlay)
  const hops = [
    hop('request at the director', await at(director.name, 'S', client.mac)),
    hop('request to the host', forwarded),
    // A switch that does not know the director's place yet floods, so the VM may see a copy that is not for it.
    hop('request to the VM', await at(vm.name, 'S', recallMac)),
    hop('reply from the VM', await at(vm.name, 'SA')),
    hop('reply from the host', await at(host.name, 'SA')),
    hop('reply at the client', await at('client', 'SA')),
  ]
  const packets = new Map(await Promise.all([...captures].map(async ([name, c]) => [name, await c.stop()] as const)))
  const fromVip = packets
    .get(director.name)!
    .map(packet => ({ ...(decapsulate(packet) ?? packet), length: packet.length }))
    .filter(packet => packet.ip?.src === vip && packet.ports?.dst === clientPort)
  const signals = fromVip.filter(packet => packet.ethDst === recallMac)
  const ingressPort = forwarded.ports!.dst
  const peer = `${client.ip}:${clientPort}`
  const expect = (what: string, ipSrc: string, ipDst: string, ethSrc: string, ethDst: string, outer = '-'): Hop => {
    return { what, ipSrc, ipDst, ethSrc, ethDst, ...(overlay ? { outer } : {}) }
  }
  const clientHost = lab.plan.hosts.find(({ name }) => name === client.host)?.ip
  const m = vm.plan.mac
  return {
    vm,
    host,
    ingressPort,
    hops,
    expected: [
      expect(
        'request at the director',
        peer,
        `${vip}:${vipPort}`,
        client.mac,
        director.mac,
        `${clientHost} > ${director.ip}`,
      ),
      expect('request to the host', peer, `${vip}:${ingressPort}`, recallMac, host.mac, `${director.ip} > ${host.ip}`),
      expect('request to the VM', peer, `${vip}:${rsPort}`, recallMac, m),
      expect('reply from the VM', `${vip}:${rsPort}`, peer, m, client.mac),
      expect('reply from the host', `${vip}:${vipPort}`, peer, host.mac, client.mac, `${host.ip} > ${clientHost}`),
      expect('reply at the client', `${vip}:${vipPort}`, peer, host.mac, client.mac),
    ],
    repliesAtDirector: fromVip.filter(packet => packet.ethDst !== recallMac).length,
    signals: {
      frames: signals.length,
      bytes: signals.reduce((sum, { length }) => sum + length, 0),
    },
  }
}

function hopOf(overlay: boolean) {
  return (what: string, packet: Packet | Tunnelled): Hop => {
    const { ip, ports, ethSrc, ethDst } = packet
    const outer = 'outer' in packet ? `${packet.outer.src} > ${packet.outer.dst}` : '-'
    const inner = { what, ipSrc: `${ip?.src}:${ports?.src}`, ipDst: `${ip?.dst}:${ports?.dst}`, ethSrc, ethDst }
    return overlay ? { ...inner, outer } : inner
  }
}
