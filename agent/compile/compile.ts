import { hash } from 'node:crypto'
import type { Compiled, CompiledObject } from '../../shared/flows/compiled.ts'
import type { Flow } from '../../shared/flows/types.ts'
import { familiesOf } from '../../shared/net/family.ts'
import type { Family } from '../../shared/net/types.ts'
import { probeSource } from '../probe-port/address.ts'
import type { Attachment, RealServer } from '../real-servers/types.ts'
import { asHostFlows } from './features/as-host.ts'
import { fragmentFlows } from './features/fragments.ts'
import { fromDirectorFlows } from './features/from-director.ts'
import { guardFlows, guardPortFlows } from './features/guards.ts'
import { icmpErrorFlows } from './features/icmp-errors.ts'
import { accessPorts, directorHere, neighbourProxyFlows, type VipNetwork } from './features/neighbour-proxy.ts'
import { shieldFlows } from './features/neighbour-shield.ts'
import { overlayFlows, overlayPortFlows, tunnelGuardFlows } from './features/overlay.ts'
import { probeFlows, probePortFlows, probeSourceFlows } from './features/probe.ts'
import { askFlows, mineFlows, rememberFlows } from './features/recall.ts'
import { replyFlows } from './features/replies.ts'
import { requestFlows } from './features/requests.ts'
import { signalFlows, signalOutFlows, spoofedSignalFlows } from './features/signals.ts'
import { spoofDropFlows, spoofPortFlows, spoofVipFlows, vlans } from './features/spoof.ts'
import { networksOf, portsByMac } from './networks.ts'
import { probes } from './probes.ts'
import type { CompileInput, HostContext } from './types.ts'

/**
 * Everything that the bridge must hold for this host's real servers, by object: `host`, `overlay/NAME`, `vip/VIP/TAG`,
 * `shield/VIP/PORT`, `rs/KEY`, `recall/VIP/PORT`, `probe…`; and what keeps its VMs from saying what is not theirs to say:
 * `guard`, `guard/NAME`, `port/NAME`, `vip/VIP`. Pure; without real servers and VIPs it is empty.
 */
export function compile({ realServers, shields, guarded, numberOf, host }: CompileInput): Compiled {
  const byVip = Map.groupBy(realServers, realServer => realServer.vip)
  const shieldsOf = Map.groupBy(shields, shield => shield.vip)
  const isGuarded = new Set(guarded)
  const vips = new Set([...byVip.keys(), ...shieldsOf.keys(), ...isGuarded])
  const objects = [...vips].flatMap(vip => {
    const [mine, held] = [byVip.get(vip) ?? [], shieldsOf.get(vip) ?? []]
    const number = numberOf(vip)
    return [...compileVip({ vip, number, realServers: mine, shields: held, guarded: isGuarded.has(vip), host })]
  })
  if (objects.length === 0) return new Map()
  const families = familiesOf(vips)
  const serving = byVip.size + shieldsOf.size > 0
  return new Map([...compileGuards(host, families), ...(serving ? compileHost(host, families) : []), ...objects])
}

/** What no VM may say, as soon as there is a VIP anywhere; for the families of all VIPs. */
export function compileGuards(host: HostContext, families: readonly Family[]): Compiled {
  const { compiled, add } = createObjects()
  const { hostMac, directorMac, directors, overlay } = host
  const tags = [...networksOf(host).keys()].sort()
  const names = families.map(({ name }) => name)
  const told = directors.map(({ mac, recallMac }) => [mac, recallMac])
  add('guard', [names, hostMac, directorMac, told, tags], () => [
    ...spoofDropFlows(host, families),
    ...guardFlows(host, families),
  ])
  for (const port of host.vmPorts) {
    const { ofport, mac, tag } = port
    const spoof = [tag, tag === undefined ? tags : [], overlay !== undefined]
    add(`port/${port.name}`, [names, ofport, mac, spoof, hostMac, directorMac, told], () => [
      ...spoofPortFlows(port, host, families),
      ...spoofedSignalFlows(port, host),
    ])
    add(`guard/${port.name}`, [names, ofport, mac, hostMac, directorMac, told], () =>
      guardPortFlows(port, host, families),
    )
  }
  return compiled
}

/** What there is once, as soon as a VM of this host holds a VIP; for the families of all VIPs. */
export function compileHost(host: HostContext, families: readonly Family[]): Compiled {
  const { compiled, add } = createObjects()
  const { hostMac, directorMac, directors, uplink, uplinkTag, overlay, probing } = host
  const names = families.map(({ name }) => name)
  const ways = [directors, uplink, uplinkTag, directors.map(({ mac }) => portsByMac(host).get(mac))]
  add('host', [names, hostMac, overlay, directorMac, ways], () => [
    ...asHostFlows(host),
    ...overlayFlows(host, families),
    ...tunnelGuardFlows(host),
    ...fromDirectorFlows(host),
    ...signalFlows(host, families),
    ...rememberFlows(host, families),
    ...signalOutFlows(host),
  ])
  for (const port of host.vmPorts) {
    const { ofport, mac } = port
    if (overlay !== undefined && portsByMac(host).get(mac) === port)
      add(`overlay/${port.name}`, [ofport, mac, overlay.forwardTable], () => overlayPortFlows(port, host))
    if (probing === undefined) continue
    const sources = [probeSource(probing.network), ...(probing.sources[port.name] ?? [])]
    add(`probe-source/${port.name}`, [ofport, sources, hostMac], () =>
      sources.flatMap(source => probeSourceFlows(source, port, host)),
    )
  }
  if (probing !== undefined) add('probe', probing.port.ofport, () => probePortFlows(probing.port))
  return compiled
}

export interface VipInput extends Omit<CompileInput, 'guarded' | 'numberOf'> {
  readonly vip: string
  readonly number: number
  /** Whether a service has it, wherever its real servers are. */
  readonly guarded: boolean
}

/** All objects of one VIP; no other VIP has any of them. */
export function compileVip({ vip, number, realServers, shields, guarded, host }: VipInput): Compiled {
  const { compiled, add } = createObjects()
  const { hostMac, directors, overlay, probing } = host
  const held = shields.length > 0
  const tags = held ? [...new Set(shields.map(shield => shield.tag))].sort() : vlans(host)
  if (held || guarded) add(`vip/${vip}`, [vip, number, tags], () => spoofVipFlows(vip, number, tags))
  for (const shield of shields) {
    add(`shield/${vip}/${shield.port}`, [shield, number, hostMac, overlay?.forwardTable], () =>
      shieldFlows(shield, number, host),
    )
  }
  for (const [object, network] of vipNetworks(number, realServers, host)) {
    add(object, [network, proxyContext(network, host)], () => [
      ...neighbourProxyFlows(network, host),
      ...icmpErrorFlows(network, host),
    ])
  }
  for (const [port, { at, udp }] of udpByPort(realServers)) {
    const replies = udp.map(({ id, vipPort, rsPort, clients }) => [id, vipPort, rsPort, clients])
    add(`fragments/${vip}/${port}`, [number, replies, at, hostMac, overlay], () =>
      fragmentFlows(vip, number, udp, at, host),
    )
  }
  for (const realServer of realServers) {
    const at = realServer.attachment
    if (at === undefined) continue
    const { id, protocol, vipPort, rsPort, ingressPort, clients, persistence } = realServer
    const told = protocol === 'tcp' && directors.length > 0
    add(
      `rs/${realServer.key}`,
      [
        id,
        vip,
        protocol,
        vipPort,
        rsPort,
        ingressPort,
        clients,
        at,
        hostMac,
        overlay,
        told && (persistence?.mask ?? true),
      ],
      () => [
        ...requestFlows(realServer, at, host),
        ...replyFlows(realServer, at, host),
        ...mineFlows(realServer, at, host),
      ],
    )
  }
  for (const [port, asked] of tcpByVipPort(realServers)) {
    if (directors.length === 0) break
    const numbers = asked.map(({ ingressPort, persistence }) => [ingressPort, persistence !== undefined])
    add(`recall/${vip}/${port}`, [vip, port, numbers, asked[0]?.attachment?.tag, directors, hostMac, overlay], () =>
      askFlows(asked, host),
    )
  }
  if (probing === undefined) return compiled
  for (const probe of probes(realServers, probing.network).values())
    add(probe.object, [probe, probing.port, hostMac], () => probeFlows(probe, probing.port, host))
  return compiled
}

/** UDP real servers of one VIP by the VM port that they answer from. */
function udpByPort(realServers: readonly RealServer[]): Map<string, { at: Attachment; udp: RealServer[] }> {
  const found = new Map<string, { at: Attachment; udp: RealServer[] }>()
  for (const realServer of realServers) {
    const at = realServer.attachment
    if (at === undefined || realServer.protocol !== 'udp') continue
    const there = found.get(at.port)
    if (there === undefined) found.set(at.port, { at, udp: [realServer] })
    else there.udp.push(realServer)
  }
  return found
}

/** TCP real servers of one VIP that are attached, by the port that clients connect to. */
function tcpByVipPort(realServers: readonly RealServer[]): Map<number, RealServer[]> {
  const attached = realServers.filter(({ protocol, attachment }) => protocol === 'tcp' && attachment !== undefined)
  return Map.groupBy(attached, ({ vipPort }) => vipPort)
}

function createObjects() {
  const compiled = new Map<string, CompiledObject>()
  const add = (object: string, signature: unknown, flows: () => Flow[]) =>
    compiled.set(object, { signature: hash('sha256', JSON.stringify(signature), 'base64url'), flows })
  return { compiled, add }
}

/** Each VIP once per layer-2 network. Where services of one VIP disagree on `arp`, the VIP is answered for. */
function vipNetworks(number: number, realServers: readonly RealServer[], host: HostContext): Map<string, VipNetwork> {
  const networks = new Map<string, VipNetwork>()
  const own = new Set(realServers.map(realServer => realServer.attachment?.tag))
  const foreign = [...networksOf(host).keys()].filter(tag => tag !== undefined && !own.has(tag)).sort() as number[]
  for (const { vip, arp, attachment } of realServers) {
    if (attachment === undefined) continue
    const object = `vip/${vip}/${attachment.tag ?? 'untagged'}`
    if (networks.get(object)?.arp === 'answer') continue
    networks.set(object, {
      vip,
      number,
      tag: attachment.tag,
      arp,
      foreign: attachment.tag === undefined ? foreign : [],
    })
  }
  return networks
}

/** The part of the host that the neighbour proxy depends on. */
function proxyContext(network: VipNetwork, host: HostContext) {
  const director = directorHere(network, host)?.ofport
  return [host.hostMac, host.directorMac, host.uplink, director, accessPorts(network, host), host.overlay]
}
