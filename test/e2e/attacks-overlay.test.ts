import test, { type ExecutionContext } from 'ava'
import { recallMacOf } from '../../director/compile/fabric.ts'
import { ARP } from '../../shared/net/arp.ts'
import { ipPacket } from '../../shared/packet/ip.ts'
import { underlayMac } from '../lab/overlay.ts'
import { BROADCAST, frame, segment, sendFrames, tagged } from '../segment/frames.ts'
import { errorFrame } from '../unit/packet/error-frame.ts'
import { createSite, type Site, service, VIP } from './fixture.ts'
import { eavesdrop } from './variants.ts'

// What a VM on an overlay's hosts, and a machine in the underlay that is none of them, may try. web-1 serves on rs1; plain-1
// beside it and plain-2 on rs2, which has no real server, serve nothing.
const REQUESTS = 3
const IPV4 = 0x0800
const [SYN, ACK] = [0x02, 0x10]
const UDP = 17
const VXLAN = 4789
const CLIENT = '10.10.1.10'
const [H1, H2] = ['02:00:00:00:00:20', '02:00:00:00:00:21']
const D = '02:00:00:00:01:00'
const R = recallMacOf(D)
/** Underlay addresses: of the director, of rs1, and one that is nobody's. */
const END = { director: '172.24.1.100', rs1: '172.24.1.20', stranger: '172.24.1.66' } as const
const outcomes: string[] = []
let site: Site

test.before(async () => {
  site = await createSite({
    hosts: 2,
    overlay: {},
    vms: [
      { name: 'web-1', host: 0, kind: 'space' },
      { name: 'plain-1', host: 0, kind: 'light' },
      { name: 'plain-2', host: 1, kind: 'light' },
    ],
  })
  await site.drop('web.yaml', service({ clients: ['10.10.1.0/27'] }))
  await site.ready('web', 1)
  await site.agent('rs2').until('the VIP is guarded', ({ switch: sw }) => Number(sw?.installedFlows) > 0)
})

test.after.always(async () => {
  for (const line of outcomes) console.log(line)
  await site?.down()
})

const clientMac = () => site.lab.plan.clients[0]!.mac
const vmOf = (name: string) => site.lab.vm(name).plan
const runIn = (place: string) => ({
  run: async (command: string, input = '') =>
    (await site.lab.host(place).exec(['sh', '-c', command], { input })).stdout,
})
const send = (from: string, frames: readonly Uint8Array[]) => sendFrames(runIn(from), 'eth0', frames)

/** How many requests fail while these frames are sent, and how many frames the client hears that match. */
async function play(t: ExecutionContext, attack: string, from: string, frames: readonly Uint8Array[], filter: string) {
  let failed = 0
  const heard = await eavesdrop(site.lab, 'client', filter, async () => {
    for (let n = 0; n < REQUESTS; n++) {
      await send(from, frames)
      failed += (await site.request(1)).get('failed') ?? 0
    }
  })
  outcomes.push(`${attack}, from ${from}: ${failed} of ${REQUESTS} requests failed, ${heard.length} frames heard`)
  t.deepEqual({ failed, heard: heard.length }, { failed: 0, heard: 0 }, attack)
}

const announce = (mac: string, ethSrc = mac, address = VIP) => Buffer.from(ARP.announce({ address, mac, ethSrc }))
const datagram = (src: string, ethSrc: string, ethDst: string) =>
  frame(ethSrc, ethDst, IPV4, segment({ src, dst: CLIENT }, [80, 40_000], undefined, 'attack'))
const underTags = (frames: readonly Buffer[]) => [
  ...frames,
  ...frames.map(each => tagged(each, { vid: 0 })),
  ...frames.map(each => tagged(each, { vid: 0 }, { vid: 0 })),
]

for (const from of ['plain-1', 'plain-2'] as const) {
  test.serial(`${from} says the VIP, the director's address, its host's`, async t => {
    const { mac, ip } = vmOf(from)
    const vip = [announce(mac), datagram(VIP, mac, clientMac())]
    await play(t, 'ARP and IP from the VIP, with tags of VID 0 and without', from, underTags(vip), `ether src ${mac}`)
    for (const [what, taken] of Object.entries({ D, R, H: from === 'plain-1' ? H1 : H2 })) {
      const frames = [announce(taken, taken, ip), datagram(ip, taken, BROADCAST)]
      await play(t, `frames from ${what}`, from, underTags(frames), `ether src ${taken} and src ${ip}`)
    }
  })
}

/** Packets that a host's flows of these priorities in table 0 have counted. */
async function counted(host: string, ...priorities: readonly number[]): Promise<number> {
  const { stdout } = await site.lab
    .host(host)
    .exec(['sh', '-c', 'ovs-appctl revalidator/purge; ovs-ofctl -O OpenFlow15 dump-flows br0 table=0'])
  const lines = stdout.split('\n').filter(line => priorities.some(priority => line.includes(`priority=${priority},`)))
  return lines.reduce((sum, line) => sum + Number(/n_packets=(\d+)/.exec(line)?.[1] ?? 0), 0)
}

/** Packets that are delivered to web-1 while `work` runs; a client is served afterwards. */
async function delivered(t: ExecutionContext, filter: string, work: () => Promise<unknown>): Promise<number> {
  const web = site.lab.vm('web-1')
  const capture = await site.lab.capture('rs1', `${filter} and ether dst ${web.plan.mac}`, await web.port())
  await work()
  t.is((await site.request(1)).get('failed'), undefined)
  return (await capture.stop()).length
}

test.serial('a VM speaks to the host and the real server’s port, past the director', async t => {
  const request = (ethSrc: string, flags: number) =>
    frame(ethSrc, H1, IPV4, segment({ src: '10.10.1.9', dst: VIP }, [999, 8080], flags, ''))
  for (const from of ['plain-1', 'plain-2']) {
    const frames = [vmOf(from).mac, D, R].flatMap(source => [SYN, ACK].map(flags => request(source, flags)))
    const came = await delivered(t, 'tcp src port 999', () => send(from, frames))
    outcomes.push(`requests past the director, from ${from}: ${came} of ${frames.length} delivered`)
    t.is(came, 0)
  }
})

test.serial('forged ICMP errors: "fragmentation needed"', async t => {
  const shape = { udp: false, cited: 28, options: 0, tagged: false, checksum: true, payload: [1, 2, 3, 4, 5, 6, 7, 8] }
  const error = (to: string, port: number, mtu: number) => {
    const bytes = Buffer.from(errorFrame({ ...shape, port, mtu }))
    bytes.set(Buffer.from(to.replaceAll(':', ''), 'hex'), 0)
    bytes.set(Buffer.from(vmOf('plain-2').mac.replaceAll(':', ''), 'hex'), 6)
    return bytes
  }
  const cases = {
    'straight to the host': error(H1, 8080, 1400),
    'to the director, of no connection': error(D, 80, 1400),
    'to the director, MTU 68': error(D, 80, 68),
  }
  for (const [what, bytes] of Object.entries(cases)) {
    const came = await delivered(t, 'icmp[icmptype] == 3', () => send('plain-2', Array<Buffer>(5).fill(bytes)))
    outcomes.push(`"fragmentation needed" ${what}: ${came} of 5 delivered`)
    t.is(came, 0, what)
  }
})

type Sender = 'stranger' | 'rs1' | 'director'

/** Sends frames in VXLAN (RFC 7348, 5). The stranger is on the link of the client's host. */
async function tunnelFrom(who: Sender, to: 'director' | 'rs1', frames: readonly Uint8Array[]): Promise<void> {
  const { hosts, overlay } = site.lab.plan
  const mac = (name: string) => underlayMac(hosts.find(host => host.name === name)!)
  const address = (end: Sender) => Buffer.from(END[end].split('.').map(Number))
  const wrapped = frames.map(inner => {
    const header = Buffer.alloc(16)
    header.writeUInt16BE(50_000, 0)
    header.writeUInt16BE(VXLAN, 2)
    header.writeUInt16BE(16 + inner.length, 4)
    header.writeUInt8(0x08, 8)
    header.writeUIntBE(overlay!.networkKey, 12, 3)
    const packet = ipPacket({ src: address(who), dst: address(to) }, UDP, Buffer.concat([header, inner]))
    return frame(who === 'stranger' ? '06:00:00:00:00:66' : mac(who), mac(to), IPV4, packet)
  })
  const place = who === 'stranger' ? hosts.find(({ role }) => role === 'client')!.name : who
  await sendFrames(runIn(place), 'uplink0', wrapped)
}

const FROM_HOST = 50_100

test.serial('a machine in the underlay speaks as a host does: signals, "mine"', async t => {
  const words = [
    segment({ src: VIP, dst: '10.10.1.9' }, [8080, 999], SYN | ACK, 'x'),
    segment({ src: '10.10.1.9', dst: VIP }, [999, 8080], ACK, 'x'),
  ].map(packet => frame(H1, R, IPV4, packet))
  for (const who of ['stranger', 'rs1'] as const) {
    const before = await counted('director', FROM_HOST)
    await tunnelFrom(who, 'director', words)
    const believed = (await counted('director', FROM_HOST)) - before
    outcomes.push(`signal and "mine" in a tunnel from ${END[who]} (${who}): ${believed} of ${words.length} believed`)
    t.is(believed, who === 'stranger' ? 0 : words.length)
  }
})

test.serial(
  'a machine in the underlay speaks as a director does: requests, questions; and says that it is one',
  async t => {
    const requests = [D, R].map(source =>
      frame(source, H1, IPV4, segment({ src: '10.10.1.9', dst: VIP }, [999, 8080], SYN, '')),
    )
    const question = frame(R, H1, IPV4, segment({ src: '10.10.1.9', dst: VIP }, [999, 80], ACK, ''))
    const frames = [...requests, question, announce(D), datagram('10.10.1.9', H1, BROADCAST)]
    for (const who of ['stranger', 'director'] as const) {
      // The question of the director is about a connection that is here by then, so it is delivered, too.
      const sent = who === 'stranger' ? frames : requests
      const came = await delivered(t, 'tcp src port 999', () => tunnelFrom(who, 'rs1', sent))
      outcomes.push(`requests in a tunnel from ${END[who]} (${who}): ${came} of ${requests.length} delivered`)
      t.is(came, who === 'stranger' ? 0 : requests.length)
      const { stdout } = await site.lab.host('rs1').exec(['ovs-ofctl', 'dump-flows', 'br0', 'table=162'])
      for (const mac of [D, R, H1]) t.notRegex(stdout, new RegExp(`dl_dst=${mac} .*0xac180142`))
    }
    t.is((await site.request(REQUESTS)).get('failed'), undefined)
  },
)
