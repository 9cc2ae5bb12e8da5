import type { Lab } from '../../test/lab/lab.ts'
import type { Packet } from '../../test/lab/pcap.ts'
import type { Printer } from './print.ts'

export const VIP = '10.10.1.100'
const CLIENT_PORT = 36_000

/** One request from port 36000, captured everywhere at once, and its packets' headers at each place against DESIGN's table. */
export async function showPackets(lab: Lab, print: Printer): Promise<void> {
  const hosts = lab.plan.hosts.filter(host => host.role === 'rs').map(host => host.name)
  const places = ['client', 'director', ...hosts, ...lab.vms.map(vm => vm.name)]
  const filter = `host ${VIP} and tcp port ${CLIENT_PORT}`
  const captures = new Map(
    await Promise.all(places.map(async place => [place, await lab.capture(place, filter)] as const)),
  )
  const answer = await lab.client.exec([
    'curl',
    '-s',
    '-m',
    '10',
    '--local-port',
    String(CLIENT_PORT),
    `http://${VIP}/`,
  ])
  const name = answer.stdout.trim()
  const vm = lab.vms.find(candidate => candidate.name === name)
  if (vm === undefined) throw new Error(`no VM of the lab has answered, but: ${answer.stdout}`)
  const host = lab.plan.hosts.find(candidate => candidate.name === vm.plan.host)!
  const director = lab.plan.hosts.find(candidate => candidate.role === 'director')!
  const client = lab.plan.clients[0]!

  const syn = (packet: Packet) => packet.flags === 'S'
  const synAck = (packet: Packet) => packet.flags === 'SA'
  const sent = (mac: string) => (packet: Packet) => packet.ethSrc === mac
  const both = (a: (p: Packet) => boolean, b: (p: Packet) => boolean) => (packet: Packet) => a(packet) && b(packet)
  const at = (place: string, accept: (packet: Packet) => boolean) => captures.get(place)!.waitFor(accept)
  const request = await at('director', both(syn, sent(client.mac)))
  const forwarded = await at(host.name, both(syn, sent(director.mac)))
  const delivered = await at(vm.name, syn)
  const replied = await at(vm.name, synAck)
  const left = await at(host.name, synAck)
  const arrived = await at('client', synAck)
  const all = new Map(
    await Promise.all([...captures].map(async ([place, capture]) => [place, await capture.stop()] as const)),
  )

  const who = new Map([
    [client.mac, 'client'],
    [director.mac, 'director'],
    ...lab.plan.hosts.filter(h => h.role === 'rs').map(h => [h.mac, h.name] as const),
    ...lab.vms.map(v => [v.plan.mac, v.name] as const),
  ])
  const mac = (address: string) => `${address} (${who.get(address) ?? '?'})`
  const row = (what: string, packet: Packet) => [
    what,
    `${packet.ip?.src}:${packet.ports?.src}`,
    `${packet.ip?.dst}:${packet.ports?.dst}`,
    mac(packet.ethSrc),
    mac(packet.ethDst),
  ]
  print.table([
    ['packet', 'IP src', 'IP dst', 'MAC src', 'MAC dst'],
    row('request at the director', request),
    row(`request to the host (${host.name})`, forwarded),
    row(`request to the VM (${vm.name})`, delivered),
    row('reply from the VM', replied),
    row('reply from the host', left),
    row('reply at the client', arrived),
  ])
  const ingress = forwarded.ports?.dst ?? 0
  const is = (packet: Packet, src: string, dst: string, ethSrc: string, ethDst: string) =>
    `${packet.ip?.src}:${packet.ports?.src}` === src &&
    `${packet.ip?.dst}:${packet.ports?.dst}` === dst &&
    packet.ethSrc === ethSrc &&
    packet.ethDst === ethDst
  const peer = `${client.ip}:${CLIENT_PORT}`
  const ok =
    is(request, peer, `${VIP}:80`, client.mac, director.mac) &&
    is(forwarded, peer, `${VIP}:${ingress}`, director.mac, host.mac) &&
    is(delivered, peer, `${VIP}:8080`, director.mac, vm.plan.mac) &&
    is(replied, `${VIP}:8080`, peer, vm.plan.mac, client.mac) &&
    is(left, `${VIP}:80`, peer, host.mac, client.mac) &&
    is(arrived, `${VIP}:80`, peer, host.mac, client.mac)
  print.check('every packet has the addresses of the reference case', ok)
  const replies = (all.get('director') ?? []).filter(packet => packet.ip?.src === VIP)
  print.check('no packet of the reply was seen at the director', replies.length === 0, `${replies.length} seen`)
}
