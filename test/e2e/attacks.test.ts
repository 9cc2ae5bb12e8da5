import test, { type ExecutionContext } from 'ava'
import { recallMacOf } from '../../director/compile/fabric.ts'
import { ARP } from '../../shared/net/arp.ts'
import { BROADCAST, frame, segment, sendFrames, tagged } from '../segment/frames.ts'
import { errorFrame } from '../unit/packet/error-frame.ts'
import { createSite, type Site, service, VIP } from './fixture.ts'
import { eavesdrop } from './variants.ts'

// What a VM, or a client, may try on the wire, played with real frames while a client uses the service: web-1 serves on rs1;
// plain-1 beside it and plain-2 on rs2, which has no real server, serve nothing.
const REQUESTS = 6
const IPV4 = 0x0800
const CLIENT = '10.10.1.10'
const [H1, H2] = ['02:00:00:00:00:20', '02:00:00:00:00:21']
const D = '02:00:00:00:01:00'
const R = recallMacOf(D)
const ATTACKERS = ['plain-1', 'plain-2'] as const
const outcomes: string[] = []
let site: Site

test.before(async () => {
  site = await createSite({
    hosts: 2,
    vms: [
      { name: 'web-1', host: 0 },
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
const macOf = (name: string) => site.lab.vm(name).plan.mac

async function send(from: string, frames: readonly Uint8Array[]): Promise<void> {
  const place = site.lab.host(from)
  const run = async (command: string, input = '') => (await place.exec(['sh', '-c', command], { input })).stdout
  await sendFrames({ run }, 'eth0', frames)
}

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

for (const from of ATTACKERS) {
  test.serial(`${from} says the VIP`, async t => {
    const mac = macOf(from)
    const ways = [announce(mac), datagram(VIP, mac, clientMac())]
    const heard = `ether src ${mac} and (arp or ip) or (vlan and ether src ${mac})`
    await play(t, 'ARP and IP from the VIP', from, ways, heard)
    const tags = {
      'a priority tag': [{ vid: 0 }],
      'a priority tag of 802.1ad': [{ vid: 0, tpid: 0x88a8 }],
      'two tags': [{ vid: 0 }, { vid: 0 }],
    }
    for (const [what, own] of Object.entries(tags))
      await play(
        t,
        `ARP and IP from the VIP behind ${what}`,
        from,
        ways.map(way => tagged(way, ...own)),
        heard,
      )
  })

  test.serial(`${from} says that it were the director, or its host`, async t => {
    const mac = macOf(from)
    const own = site.lab.vm(from).plan.ip
    for (const [what, taken] of Object.entries({ D, R, H: from === 'plain-1' ? H1 : H2 })) {
      const ways = [announce(taken, taken, own), datagram(own, taken, BROADCAST)]
      const heard = `ether src ${taken} and src ${own}`
      await play(t, `frames from ${what}`, from, ways, heard)
      await play(
        t,
        `frames from ${what} behind a priority tag`,
        from,
        ways.map(way => tagged(way, { vid: 0 })),
        heard,
      )
      await play(t, `ARP that names ${what} as sender`, from, [announce(taken, mac, own)], `arp and ether src ${mac}`)
    }
  })

  test.serial(`${from} speaks to the director as hosts do`, async t => {
    const mac = macOf(from)
    const ends = { src: VIP, dst: CLIENT }
    const back = { src: CLIENT, dst: VIP }
    const words = [segment(ends, [8080, 40_000], 0x12, 'x'), segment(back, [40_000, 8080], 0x10, 'x')]
    const frames = [mac, H1].flatMap(source => words.map(word => frame(source, R, IPV4, word)))
    const heard = await eavesdrop(site.lab, 'director', `ether dst ${R}`, () => send(from, frames))
    const forged = heard.filter(({ ports }) => ports?.src === 40_000 || ports?.dst === 40_000)
    outcomes.push(`signal and "mine" to R, from ${from}: ${forged.length} of ${frames.length} at the director`)
    t.is(forged.length, 0)
  })
}

test.serial('a client goes past the director, to the host and the real server’s port', async t => {
  const outside = '10.10.1.200'
  const { client } = site.lab
  await client.exec(['ip', 'address', 'add', `${outside}/24`, 'dev', 'eth0'])
  await client.exec(['ip', 'neigh', 'replace', VIP, 'lladdr', H1, 'dev', 'eth0', 'nud', 'permanent'])
  for (const source of [outside, CLIENT]) {
    const curl = ['curl', '-s', '-m', '3', '--interface', source, `http://${VIP}:8080/`]
    const { exitCode, stdout } = await client.exec(curl, { check: false })
    outcomes.push(
      `${source} asks H and the real server's port: ${exitCode === 0 ? `answered, ${stdout}` : 'no answer'}`,
    )
    t.not(exitCode, 0)
  }
  await client.exec(['ip', 'neigh', 'del', VIP, 'dev', 'eth0'])
  t.is((await site.request(REQUESTS)).get('failed'), undefined)
})

test.serial('forged ICMP errors: "fragmentation needed"', async t => {
  const shape = { udp: false, cited: 28, options: 0, tagged: false, checksum: true, payload: [1, 2, 3, 4, 5, 6, 7, 8] }
  const error = (to: string, port: number, mtu: number) => {
    const bytes = Buffer.from(errorFrame({ ...shape, port, mtu }))
    bytes.set(Buffer.from(to.replaceAll(':', ''), 'hex'), 0)
    bytes.set(Buffer.from(macOf('plain-2').replaceAll(':', ''), 'hex'), 6)
    return bytes
  }
  const cases = { 'straight to the host, MTU 68': error(H1, 8080, 68), 'to the host, MTU 1400': error(H1, 8080, 1400) }
  const byDirector = {
    'to the director, of no connection': error(D, 80, 1400),
    'to the director, MTU 68': error(D, 80, 68),
  }
  const port = await site.lab.vm('web-1').port()
  for (const [what, bytes] of Object.entries({ ...cases, ...byDirector })) {
    const capture = await site.lab.capture('rs1', 'icmp[icmptype] == 3', port)
    await send('plain-2', Array<Buffer>(5).fill(bytes))
    await site.request(1)
    const delivered = (await capture.stop()).length
    outcomes.push(`"fragmentation needed" ${what}: ${delivered} of 5 delivered`)
    t.is(delivered, 0, what)
  }
})
