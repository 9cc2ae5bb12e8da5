import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import { compile } from '../../../agent/compile/compile.ts'
import { shields } from '../../../agent/compile/shields.ts'
import type { HostContext } from '../../../agent/compile/types.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import { recallMacOf } from '../../../director/compile/fabric.ts'
import { createApplier } from '../../../shared/apply/apply.ts'
import { familyOf, IPV4, IPV6 } from '../../../shared/net/family.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { DIRECTOR_MAC as H, startDirectorSwitch } from '../../segment/director.ts'
import { BROADCAST, frame, hearing, segment, sendFrames, type Tag, tagged } from '../../segment/frames.ts'
import { type Space, startSegment } from '../../segment/segment.ts'
import { cleanupOf } from '../cleanup.ts'
import { startProgram } from '../director/network.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'
import { memoryLog } from '../run/memory-log.ts'
import { vipNumbers } from '../vip-numbers.ts'
import { openSwitchOf } from './open-switch.ts'

const VIPS = ['10.10.1.100', '2001:db8::100'] as const
const CLIENTS = { IPv4: '10.10.1.10', IPv6: '2001:db8::10' }
const D = '02:00:00:00:02:00'
const R = recallMacOf(D)
const SYN = 0x02
const ACK = 0x10

/** A frame that has its name in it, so that whoever hears it can say which one it was. */
interface Named {
  readonly name: string
  readonly frame: Buffer
}

/** Behind what there is: Ethernet's padding for ARP and ND. */
const named = (name: string, bytes: Uint8Array): Named => ({
  name,
  frame: Buffer.concat([bytes, Buffer.from(`<${name}>`)]),
})

/** All ways to say an address: by ARP or ND, and by IP. */
function claims(vip: string, mac: string, client: Space): readonly Named[] {
  const { name, neighbours } = familyOf(vip)
  const announce = neighbours.announce({ address: vip, mac, ethSrc: mac })
  const ip = segment({ src: vip, dst: CLIENTS[name] }, [8081, 40_000], undefined, 'x')
  return [
    named(`${name} neighbour`, announce),
    named(`${name} packet`, frame(mac, client.mac, familyOf(vip).etherType, ip)),
  ]
}

const under = (frames: readonly Named[], what: string, ...tags: readonly Tag[]): Named[] =>
  frames.map(({ name, frame: bytes }) => {
    const text = `<${name}>`
    return named(`${what}: ${name}`, tagged(bytes.subarray(0, bytes.length - text.length), ...tags))
  })

/** Whatever tags a guest puts before it. */
const underTags = (frames: readonly Named[]): Named[] => [
  ...under(frames, 'untagged'),
  ...under(frames, 'priority tag', { vid: 0 }),
  ...under(frames, 'priority tag of 802.1ad', { vid: 0, tpid: 0x88a8 }),
  ...under(frames, 'two priority tags', { vid: 0 }, { vid: 0 }),
  ...under(frames, '802.1ad and priority tag', { vid: 0, tpid: 0x88a8 }, { vid: 0 }),
  ...under(frames, 'priority tag and VLAN 7', { vid: 0 }, { vid: 7 }),
  ...under(frames, 'VLAN 7 and priority tag', { vid: 7 }, { vid: 0 }),
]

/** All ways to say that one has a hardware address. */
function identities(mac: string, own: string, what: string): readonly Named[] {
  const from = (ethSrc: string) =>
    [IPV4, IPV6].map(({ name, neighbours }, n) =>
      named(
        `${what} as ${ethSrc === own ? 'sender of' : 'source of'} ${name} neighbour`,
        neighbours.announce({ address: ['10.10.1.77', '2001:db8::77'][n]!, mac, ethSrc }),
      ),
    )
  const ip = segment({ src: '10.10.1.22', dst: '10.10.1.10' }, [1, 2], undefined, 'x')
  return [...from(mac), ...from(own), named(`${what} as source`, frame(mac, BROADCAST, IPV4.etherType, ip))]
}

/** On an overlay a plain port stands for the tunnel port: what comes from it has no tunnel end. */
type Fabric = 'segment' | 'overlay'
const DIRECTOR_IP = '172.24.1.100'

/** A host with the VMs `vnet1` and `vnet2` (in VLAN 7: `vnet3`), and a client on its fabric; every frame that is heard. */
async function scene(t: ExecutionContext, serving: boolean, kind: Fabric = 'segment') {
  const cleanup = cleanupOf(t)
  const fabric = await startSegment(cleanup)
  const [client, ovs] = await Promise.all([fabric.plug('eth0', 10), startDirectorSwitch(fabric)])
  const vms: Space[] = []
  for (const n of [1, 2, 3]) {
    vms.push(await fabric.plug('eth0', 20 + n, { space: ovs.space, port: `vnet${n}` }))
    await ovs.vsctl('add-port', 'br0', `vnet${n}`, ...(n === 3 ? ['tag=7'] : []))
  }
  const ofports = await Promise.all(
    ['uplink0', 'vnet1', 'vnet2', 'vnet3'].map(async name =>
      Number(await ovs.vsctl('get', 'interface', name, 'ofport')),
    ),
  )
  const tag = (n: number) => (n === 3 ? 7 : undefined)
  const snapshot = ports(
    ...[1, 2, 3].map(n => port(n, { ofport: ofports[n], attachedMac: vms[n - 1]!.mac, tag: tag(n) })),
  )
  const { realServers } = resolve({
    specs: serving ? VIPS.map((vip, n) => spec({ service: `s${n}`, vip, clients: [familyOf(vip).anyone] })) : [],
    inventory: inventory(
      domain(1, { nics: [{ mac: vms[0]!.mac, source: 'br0', target: 'vnet1', interfaceId: undefined }] }),
    ),
    ports: snapshot,
    allocations: [],
    ingressPorts: { first: 40_000, last: 49_999 },
  })
  const host: HostContext = {
    hostMac: H,
    directorMac: D,
    directors: [{ mac: D, recallMac: R, hostIp: kind === 'overlay' ? DIRECTOR_IP : undefined }],
    uplink: ofports[0],
    vmPorts: [1, 2, 3].map(n => ({ name: `vnet${n}`, mac: vms[n - 1]!.mac, ofport: ofports[n]!, tag: tag(n) })),
    overlay:
      kind === 'segment'
        ? undefined
        : { tunnel: ofports[0]!, networkKey: 0, clientHosts: [], directorIp: DIRECTOR_IP, forwardTable: undefined },
  }
  const held = shields(realServers, [], indexPorts(snapshot), () => undefined)
  const applier = createApplier({ log: memoryLog(), clock: systemClock })
  const wanted = compile({ realServers, shields: held, guarded: VIPS, numberOf: vipNumbers().of, host })
  await applier.apply(wanted, await openSwitchOf(t, ovs, 'agent'))
  t.deepEqual(applier.quarantined, [])

  const listen = async (space: Space, own = false) => {
    const lines: string[] = []
    let waiting: { readonly end: string; readonly go: () => void } | undefined
    const program = await startProgram(cleanup, space, /listening/, hearing('eth0', own))
    createInterface({ input: program.stdout! }).on('line', line => {
      // The end of the line that says that it listens.
      if (line === '') return
      lines.push(line)
      if (waiting !== undefined && line.endsWith(` ${waiting.end}`)) waiting.go()
    })
    /** What has come before `end`, which comes by the same way. */
    return async (end: string) => {
      await new Promise<void>(go => {
        waiting = { end, go }
        if (lines.some(line => line.endsWith(` ${end}`))) go()
      })
      return lines.splice(0).filter(line => !line.endsWith(` ${end}`))
    }
  }
  const heard = { client: await listen(client), vm: await listen(vms[0]!, true) }
  let ends = 0
  const last = (from: Space) => {
    const packet = segment({ src: from.address, dst: '10.10.1.255' }, [1, 2], undefined, 'x')
    return named(`end ${++ends}`, frame(from.mac, BROADCAST, IPV4.etherType, packet))
  }
  /** What `who` hears of these frames. */
  const send = async (from: Space, frames: readonly Named[], who: keyof typeof heard = 'client') => {
    const end = last(from)
    await sendFrames(
      from,
      'eth0',
      [...frames, end].map(each => each.frame),
    )
    return heard[who](end.name)
  }
  return { client, vms, ovs, send, holder: vms[0]!, plain: vms[1]!, inVlan: vms[2]! }
}

const PLACES = [
  { serving: true, fabric: 'segment' },
  { serving: false, fabric: 'segment' },
  { serving: true, fabric: 'overlay' },
] as const

for (const { serving, fabric } of PLACES) {
  const where = `on a host ${serving ? 'with' : 'without'} a real server${fabric === 'overlay' ? ', in an overlay' : ''}`

  test.serial(`nobody hears a VM that says a VIP, whatever tags it puts before it, ${where}`, async t => {
    t.timeout(20_000)
    const { client, plain, holder, send } = await scene(t, serving, fabric)
    const frames = (mac: string) => underTags(VIPS.flatMap(vip => claims(vip, mac, client)))
    t.deepEqual(await send(plain, frames(plain.mac)), [])
    if (!serving) return
    // Its own VIP is the holder's to send from, as the host; and in the network of its port only.
    const heard = await send(holder, frames(holder.mac))
    t.deepEqual(
      heard.sort(),
      ['untagged', 'priority tag', 'priority tag of 802.1ad']
        .flatMap(tags => ['IPv4', 'IPv6'].map(name => `${H} ${tags}: ${name} packet`))
        .sort(),
    )
  })

  test.serial(`nobody hears a VM that says it were the director or its host, ${where}`, async t => {
    t.timeout(20_000)
    const { plain, inVlan, send, ovs } = await scene(t, serving, fabric)
    const all = (own: string) =>
      Object.entries({ D, R, H }).flatMap(([what, mac]) => underTags(identities(mac, own, what)))
    t.deepEqual(await send(plain, all(plain.mac)), [])
    await sendFrames(
      inVlan,
      'eth0',
      all(inVlan.mac).map(each => each.frame),
    )
    const learnt = await ovs.appctl('fdb/show', 'br0')
    for (const mac of [D, R]) t.false(learnt.includes(mac), learnt)
    t.notRegex(learnt, new RegExp(`^ +\\d+ .*${H}`, 'm'))
  })

  test.serial(`what a VM says for itself is heard, with a priority tag too, ${where}`, async t => {
    t.timeout(20_000)
    const { client, plain, send } = await scene(t, serving, fabric)
    const own = claims(plain.address, plain.mac, client)
    const frames = [
      ...under(own, 'untagged'),
      ...under(own, 'priority tag', { vid: 0 }),
      ...under(own, 'VLAN 9', { vid: 9 }),
    ]
    t.deepEqual((await send(plain, frames)).sort(), frames.map(({ name }) => `${plain.mac} ${name}`).sort())
  })

  test.serial(`nobody but a host speaks to R, ${where}`, async t => {
    t.timeout(20_000)
    const { plain, send } = await scene(t, serving, fabric)
    const packets = [
      segment({ src: VIPS[0], dst: CLIENTS.IPv4 }, [8080, 40_000], SYN | ACK, 'x'),
      segment({ src: CLIENTS.IPv4, dst: VIPS[0] }, [40_000, 8080], ACK, 'x'),
    ]
    const frames = packets.map((packet, n) =>
      named(['signal', 'mine'][n]!, frame(plain.mac, R, IPV4.etherType, packet)),
    )
    t.deepEqual(await send(plain, underTags(frames)), [])
  })
}

test.serial('what no director has sent is not delivered, although it is for the host and the ingress port', async t => {
  t.timeout(20_000)
  const { client, plain, send } = await scene(t, true)
  const request = (who: string, ethSrc: string, vip: string, flags: number | undefined) => {
    const { name, etherType } = familyOf(vip)
    const packet = segment({ src: CLIENTS[name], dst: vip }, [40_000, 8080], flags, 'x')
    return named(`${who}: ${name} ${flags}`, frame(ethSrc, H, etherType, packet))
  }
  const requests = (who: string, ethSrc: string) =>
    VIPS.flatMap(vip => [SYN, ACK].map(flags => request(who, ethSrc, vip, flags)))
  t.deepEqual(await send(client, requests('client', client.mac), 'vm'), [])
  const fromPlain = [...requests('VM', plain.mac), ...requests('VM as D', D), ...requests('VM as R', R)]
  t.deepEqual(await send(plain, fromPlain, 'vm'), [])
  const fromDirector = [...requests('D', D), ...requests('R', R)]
  t.deepEqual(
    (await send(client, fromDirector, 'vm')).sort(),
    VIPS.flatMap(vip =>
      ['D', 'R'].flatMap(who =>
        [SYN, ACK].map(flags => `${who === 'D' ? D : R} ${who}: ${familyOf(vip).name} ${flags}`),
      ),
    ).sort(),
  )
})

test.serial(
  'in an overlay, what bears the address of a director or of this host is believed from its tunnel end only',
  async t => {
    t.timeout(20_000)
    const { client, plain, send, ovs } = await scene(t, true, 'overlay')
    const [etherType, vip] = [IPV4.etherType, VIPS[0]]
    const request = (ethSrc: string, port: number, flags: number) => {
      const packet = segment({ src: CLIENTS.IPv4, dst: vip }, [40_000, port], flags, 'x')
      return named(`${ethSrc} ${port}`, frame(ethSrc, H, etherType, packet))
    }
    const frames = [D, R, H].flatMap(from => [
      request(from, 8080, SYN),
      request(from, 8080, ACK),
      request(from, 8081, ACK),
    ])
    t.deepEqual(await send(client, frames, 'vm'), [])
    t.deepEqual(await send(plain, frames, 'vm'), [])
    const taught = await ovs.ofctl(['dump-flows', 'table=162'])
    for (const mac of [D, R, H]) t.false(taught.includes(`priority=200,dl_dst=${mac}`), taught)
    t.true(taught.includes(`dl_dst=${client.mac}`), taught)
  },
)
