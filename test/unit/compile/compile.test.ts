import test from 'ava'
import { compile } from '../../../agent/compile/compile.ts'
import { shields } from '../../../agent/compile/shields.ts'
import type { HostContext, OverlayContext } from '../../../agent/compile/types.ts'
import { indexPorts } from '../../../agent/real-servers/attach.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import { flowText } from '../../../shared/openflow/text.ts'
import { domain, port, ports, resolved, spec } from '../real-servers/fixtures.ts'

const H = '02:00:00:00:00:20'
const D = '02:00:00:00:01:00'
const DIRECTOR = { mac: D, recallMac: '0a:00:00:00:01:00', hostIp: '172.24.1.100' }

interface Scene {
  /** Tags of single VMs; the others have `tag`. */
  readonly tags?: Readonly<Record<number, number>>
  readonly specs?: readonly ServiceSpec[]
  readonly vms?: readonly number[]
  readonly tag?: number
  readonly directorMac?: string | undefined
  readonly directors?: HostContext['directors']
  readonly own?: string
  readonly overlay?: OverlayContext
  readonly records?: Parameters<typeof shields>[1]
  readonly guarded?: readonly string[]
}

function compiled({
  specs = [spec()],
  vms = [1],
  tag,
  tags = {},
  records = [],
  guarded = [],
  own,
  overlay,
  ...rest
}: Scene = {}) {
  const snapshot = ports(...vms.map(n => port(n, { tag: tags[n] ?? tag })))
  const { realServers } = resolved(specs, vms, snapshot)
  const index = indexPorts(snapshot)
  const host: HostContext = {
    hostMac: H,
    directorMac: 'directorMac' in rest ? rest.directorMac : D,
    directors: rest.directors ?? [],
    uplink: 1,
    vmPorts: [...index].map(([mac, { name, ofport, tag: vlan }]) => ({ name, mac, ofport: ofport!, tag: vlan })),
    overlay,
  }
  return compile({ realServers, shields: shields(realServers, records, index, () => own), guarded, host })
}

function texts(scene: Scene, object: string): string[] {
  const found = compiled(scene).get(object)
  return (found?.flows() ?? []).map(flow => flowText(flow).replace(/cookie=0x[0-9a-f]+, ?/, ''))
}

function objects(scene: Scene, prefix: string): string[] {
  return [...compiled(scene)].filter(([name]) => name.startsWith(prefix)).flatMap(([name]) => texts(scene, name))
}

test('request: to the host, VIP and ingress port → to the VM; the port only where it differs', t => {
  const [request] = objects({}, 'rs/')
  t.is(
    request,
    'table=0,priority=40500,tcp,reg13=0x2/0x2,vlan_tci=0x0000/0x1fff,dl_dst=02:00:00:00:00:20,nw_dst=10.10.1.100,tp_dst=8080 actions=set_field:52:54:00:00:00:01->eth_dst,output:11',
  )
  const second = objects({ vms: [1, 2] }, 'rs/')[2]
  t.regex(second ?? '', /tp_dst=40000 actions=set_field:52:54:00:00:00:02->eth_dst,set_field:8080->tcp_dst,output:12$/)
})

test("reply: the VIP's port and the host's MAC, then as the host, once a client network; to others nothing", t => {
  const scene = { specs: [spec({ clients: ['10.10.1.0/24', '192.0.2.1/32'] })] }
  t.deepEqual(
    objects(scene, 'rs/').filter(text => text.includes('nw_src=10.10.1.100')),
    [
      'table=0,priority=40500,tcp,in_port=11,nw_src=10.10.1.100,nw_dst=10.10.1.0/24,tp_src=8080 actions=set_field:80->tcp_src,set_field:02:00:00:00:00:20->eth_src,resubmit(,160)',
      'table=0,priority=40500,tcp,in_port=11,nw_src=10.10.1.100,nw_dst=192.0.2.1,tp_src=8080 actions=set_field:80->tcp_src,set_field:02:00:00:00:00:20->eth_src,resubmit(,160)',
      'table=0,priority=40480,tcp,in_port=11,nw_src=10.10.1.100,tp_src=8080 actions=drop',
    ],
  )
  t.false(objects({}, 'rs/').some(text => text.includes('priority=40480')))
  t.deepEqual(
    texts({}, 'host').filter(text => text.startsWith('table=160,')),
    ['table=160,priority=100 actions=set_field:CONTROLLER->in_port,NORMAL'],
  )
})

test('a request is delivered from a client network only: of a known connection and of a persistent client, too', t => {
  const clients = ['10.10.1.0/24', '192.0.2.1/32']
  const directors = [{ mac: D, recallMac: '06:00:00:00:01:00', hostIp: undefined }]
  const from = (cidrs: readonly string[], family: string) => {
    const [vip, mask] =
      family === 'IPv4' ? ['10.10.1.100', '255.255.255.255'] : ['2001:db8::100', 'ffff:ffff:ffff:ffff::']
    const specs = [spec({ vip, clients: cidrs, persistence: { timeout: 300, mask: mask! } })]
    return objects({ specs, directors }, 'rs/').filter(text => text.includes('output:11'))
  }
  for (const [family, cidrs] of [
    ['IPv4', clients],
    ['IPv6', ['2001:db8:1::/48', '2001:db8::99/128']],
  ] as const) {
    const delivered = from(cidrs, family)
    t.is(delivered.length, 3 * cidrs.length)
    const field = family === 'IPv4' ? 'nw_src' : 'ipv6_src'
    for (const cidr of cidrs)
      t.is(delivered.filter(text => text.includes(`${field}=${cidr.replace(/\/(32|128)$/, '')},`)).length, 3, cidr)
  }
})

test('a VM on an access VLAN: the tag comes off towards it and on from it', t => {
  const [request, reply] = objects({ tag: 7 }, 'rs/')
  t.regex(request ?? '', /dl_vlan=7,.*actions=pop_vlan,set_field:52:54/)
  t.regex(
    reply ?? '',
    /set_field:02:00:00:00:00:20->eth_src,push_vlan:0x8100,set_field:4103->vlan_vid,resubmit\(,160\)$/,
  )
  const proxies = objects({ tag: 7 }, 'vip/10.10.1.100/7')
  t.true(proxies.some(text => text.includes('in_port=11') && text.includes('vlan_tci=0x0000/0x1fff')))
})

test('ARP proxy: sha is the director, the frame is from the host; dropped without a director or by the service', t => {
  const actions = (scene: Scene) => objects(scene, 'vip/10.10.1.100/').filter(text => text.includes('priority=40200'))
  t.regex(actions({})[0] ?? '', /set_field:02:00:00:00:00:20->eth_src.*set_field:02:00:00:00:01:00->arp_sha/)
  t.regex(actions({ directorMac: undefined })[0] ?? '', /actions=drop$/)
  t.regex(actions({ specs: [spec({ arp: 'drop' })] })[0] ?? '', /actions=drop$/)
})

test('shield: nothing that the VM says of the VIP is heard; its own requests carry its own address', t => {
  const shield = objects({ own: '10.10.1.21' }, 'shield/')
  t.deepEqual(shield.slice(0, 3), [
    'table=0,priority=40500,arp,in_port=11,arp_tpa=10.10.1.100 actions=drop',
    'table=0,priority=40450,arp,in_port=11,arp_spa=10.10.1.100,arp_op=1 actions=set_field:10.10.1.21->arp_spa,resubmit(,0)',
    'table=0,priority=40400,arp,in_port=11,arp_spa=10.10.1.100 actions=drop',
  ])
  t.regex(objects({}, 'shield/')[1] ?? '', /set_field:0\.0\.0\.0->arp_spa/)
})

test('a VIP that a guest still holds is shielded although no service wants it', t => {
  const records = [
    {
      vmUuid: domain(1).uuid,
      mac: port(1).attachedMac!,
      vip: '10.10.1.100',
      nicName: 'eth0',
      addressAdded: true,
      file: undefined,
    },
  ]
  t.is(objects({ specs: [], records }, 'shield/').length, 6)
  t.is(objects({ specs: [], records }, 'rs/').length, 0)
})

test('in another VLAN the address is another’s: neither spoofing nor asking for it is our business', t => {
  const specs = [spec({ realServers: [{ vm: 'web-1', port: 8080, weight: 1 }] })]
  const ids = (found: readonly string[]) =>
    found.flatMap(text => [...text.matchAll(/conjunction\((\d+),/g)].map(match => match[1]))
  const tenant = { specs, vms: [1, 2], tags: { 1: 10, 2: 20 } }
  const vip = ids(texts(tenant, 'vip/10.10.1.100'))
  t.deepEqual(ids(texts(tenant, 'port/vnet1')).sort(), [...vip].sort())
  t.false(ids(texts(tenant, 'port/vnet2')).some(id => vip.includes(id)))

  // The VIP is in no VLAN, and a port of some VLAN asks for its own neighbour.
  const untagged = { specs, vms: [1, 2, 3], tags: { 2: 20 } }
  t.true(
    objects(untagged, 'vip/10.10.1.100/').includes(
      'table=0,priority=40262,arp,in_port=12,vlan_tci=0x0000/0x1fff,arp_tpa=10.10.1.100 actions=NORMAL',
    ),
  )
  t.false(ids(texts(untagged, 'port/vnet2')).some(id => ids(texts(untagged, 'vip/10.10.1.100')).includes(id)))
  // A port without a VLAN may be a trunk: its frames count by the tag that they carry.
  t.is(texts(untagged, 'port/vnet3').length, 2)
})

test('`arp: drop` and a director not known yet: only what comes from the fabric is discarded', t => {
  for (const scene of [{ specs: [spec({ arp: 'drop' })] }, { directorMac: undefined }]) {
    for (const tag of [undefined, 7]) {
      const requests = objects({ ...scene, ...(tag && { tag }) }, 'vip/10.10.1.100/').filter(text =>
        text.includes('arp_op=1'),
      )
      t.is(requests.length, 1)
      t.regex(requests[0] ?? '', /in_port=1,.*actions=drop$/)
    }
  }
})

test('a director that is a VM of this host speaks for the VIPs, and its announcements reach the fabric', t => {
  const specs = [spec({ realServers: [{ vm: 'web-1', port: 8080, weight: 1 }] })]
  const scene = { specs, vms: [1, 2], directorMac: port(2).attachedMac }
  t.deepEqual(texts(scene, 'port/vnet2'), [])
  const [, out] = objects(scene, 'vip/10.10.1.100/')
  t.regex(out ?? '', /priority=40265,arp,in_port=12,.*arp_spa=10.10.1.100,arp_tpa=10.10.1.100 actions=output:1$/)
})

test('an announcement from the fabric teaches the bridge where the director is, and no VM hears it', t => {
  const [announced] = objects({}, 'vip/10.10.1.100/')
  t.regex(announced ?? '', /priority=40260,.* actions=set_field:02:00:00:00:00:20->eth_dst,NORMAL$/)
})

test('what the guest tags itself is not for a VIP: from the VM that holds it, too', t => {
  t.deepEqual(objects({}, 'shield/').slice(4), [
    'table=0,priority=40520,ip,in_port=11,vlan_tci=0x1000/0x1000,nw_src=10.10.1.100 actions=drop',
    'table=0,priority=40520,arp,in_port=11,vlan_tci=0x1000/0x1000,arp_spa=10.10.1.100 actions=drop',
  ])
})

test('a host without a real server of a VIP guards it, in every VLAN of its VMs, and does nothing else', t => {
  const scene = { specs: [], vms: [1, 2], tags: { 2: 20 }, guarded: ['10.10.1.100'], directors: [DIRECTOR] }
  t.deepEqual([...compiled(scene).keys()].sort(), [
    'guard',
    'guard/vnet1',
    'guard/vnet2',
    'port/vnet1',
    'port/vnet2',
    'vip/10.10.1.100',
  ])
  const ids = (name: string) =>
    [
      ...texts(scene, name)
        .join()
        .matchAll(/conjunction\((\d+),/g),
    ]
      .map(([, id]) => id)
      .sort()
  t.deepEqual(
    ids('vip/10.10.1.100'),
    [...new Set([...ids('port/vnet1'), ...ids('port/vnet2')])].filter(id => Number(id) < 0xc955_3000).sort(),
  )
})

test('no VM sends from the address of a director or of its host; a director that is a VM has its own', t => {
  const directors = [DIRECTOR, { mac: port(2).attachedMac!, recallMac: '0a:54:00:00:00:02', hostIp: undefined }]
  const scene = { directors, vms: [1, 2] }
  const macs = [H, ...directors.flatMap(({ mac, recallMac }) => [mac, recallMac])].sort()
  const saying = (name: string) =>
    [
      ...texts(scene, name)
        .join()
        .matchAll(/(?:dl_src|arp_sha)=([0-9a-f:]+)/g),
    ].map(([, mac]) => mac!)
  t.deepEqual(saying('guard').sort(), [...macs, ...macs].sort())
  t.true(
    texts(scene, 'guard/vnet1').includes(
      'table=0,priority=55000,reg12=0,reg14=0,in_port=11 actions=conjunction(3377811456,1/2)',
    ),
  )
  t.false(texts(scene, 'guard/vnet2').some(text => text.includes('conjunction')))
  t.deepEqual([...new Set(saying('guard/vnet2'))].sort(), [H, DIRECTOR.mac, DIRECTOR.recallMac].sort())
})

test('requests count from D and R of every director', t => {
  const second = { mac: '02:00:00:00:01:01', recallMac: '0a:00:00:00:01:01', hostIp: undefined }
  const marks = texts({ directors: [DIRECTOR, second] }, 'host').filter(text => text.includes('priority=41000'))
  t.deepEqual(
    marks,
    [DIRECTOR, second].flatMap(({ mac, recallMac }) =>
      [mac, recallMac].map(
        from =>
          `table=0,priority=41000,reg13=0/0x2,dl_src=${from},dl_dst=02:00:00:00:00:20 actions=set_field:0x2/0x2->reg13,resubmit(,0)`,
      ),
    ),
  )
  t.is(texts({ directorMac: undefined }, 'host').filter(text => text.includes('priority=41000')).length, 0)
})

test('nothing wanted, nothing installed', t => {
  t.is(compiled({ specs: [] }).size, 0)
})

test('no two flows of a host have the same table, priority and match', t => {
  const specs = [
    spec(),
    spec({ service: 'b', port: 443, realServers: [{ vm: 'web-*', port: 8443, weight: 1 }] }),
    spec({ service: 'c', vip: '10.10.1.101', protocol: 'udp' }),
  ]
  const keys = [...compiled({ specs, vms: [1, 2, 3] }).values()].flatMap(object => object.flows().map(flowKey))
  t.is(new Set(keys).size, keys.length)
})

const OVERLAY: OverlayContext = {
  tunnel: 5,
  networkKey: 100,
  clientHosts: ['172.24.1.10', '172.24.1.11'],
  directorIp: '172.24.1.100',
  forwardTable: undefined,
}

test('overlay: what the tunnel brings counts with our key only, and what a port of the bridge brings has none', t => {
  const requests = objects({ overlay: OVERLAY }, 'rs/').slice(0, 2)
  t.deepEqual(
    requests.map(text => /tun_id=0x64,in_port=5|tun_id=0,/.exec(text)?.[0]),
    ['tun_id=0x64,in_port=5', 'tun_id=0,'],
  )
})

test('overlay: the tunnel teaches before anything else, and what nobody has taught is offered to the client hosts', t => {
  const host = texts({ overlay: OVERLAY }, 'host')
  const entry = host.find(text => text.includes('priority=60000'))
  t.regex(entry ?? '', /reg13=0,tun_id=0x64,in_port=5 actions=learn\(table=162,idle_timeout=300,.*resubmit\(,0\)$/)
  t.true(
    host.includes(
      'table=162,priority=100 actions=NORMAL,set_field:0x64->tun_id,set_field:172.24.1.10->tun_dst,output:5,set_field:0x64->tun_id,set_field:172.24.1.11->tun_dst,output:5',
    ),
    host.join('\n'),
  )
  t.true(host.some(text => text.startsWith('table=162,priority=150,dl_dst=02:00:00:00:01:00 ')))
})

test('overlay: only client hosts are answered, where they are configured, and the answer goes back to them', t => {
  const proxies = (clientHosts: string[]) =>
    objects({ overlay: { ...OVERLAY, clientHosts } }, 'vip/10.10.1.100/').filter(text => text.includes('arp_op=1'))
  t.deepEqual(
    proxies(['172.24.1.10', '172.24.1.11']).map(text => /tun_src=[0-9.]+|tun_id=0,/.exec(text)?.[0]),
    ['tun_src=172.24.1.10', 'tun_src=172.24.1.11', 'tun_id=0,'],
  )
  t.is(proxies([]).length, 2)
  t.regex(proxies([])[0] ?? '', /actions=move:NXM_NX_TUN_IPV4_SRC\[\]->NXM_NX_TUN_IPV4_DST\[\],move/)
})

test("overlay with a network controller: the rewritten packet goes on in the controller's table, untouched otherwise", t => {
  const overlay = { ...OVERLAY, forwardTable: 8 }
  t.deepEqual(objects({ overlay }, 'rs/').slice(2), [
    'table=0,priority=40500,tcp,in_port=11,nw_src=10.10.1.100,tp_src=8080 actions=set_field:80->tcp_src,set_field:02:00:00:00:00:20->eth_src,resubmit(,8)',
  ])
  t.deepEqual(
    texts({ overlay }, 'host').filter(text => /^table=(60|62)|priority=60000/.test(text)),
    [],
  )
})

test('overlay: no two flows have the same table, priority and match', t => {
  const specs = [spec(), spec({ service: 'c', vip: '10.10.1.101', protocol: 'udp' })]
  const keys = [...compiled({ specs, vms: [1, 2, 3], overlay: OVERLAY }).values()].flatMap(object =>
    object.flows().map(flowKey),
  )
  t.is(new Set(keys).size, keys.length)
})

test('a UDP reply in fragments: the port of the first one is looked up by way of a register', t => {
  const fragments = objects({ specs: [spec({ protocol: 'udp', port: 53 })] }, 'fragments/')
  t.deepEqual(fragments, [
    'table=0,priority=40500,udp,in_port=11,nw_src=10.10.1.100,nw_frag=first actions=move:NXM_OF_UDP_SRC[]->NXM_NX_REG1[0..15],resubmit(,161)',
    'table=161,priority=40500,udp,reg1=0x1f90,in_port=11,nw_src=10.10.1.100 actions=set_field:53->udp_src,set_field:02:00:00:00:00:20->eth_src,resubmit(,160)',
    'table=161,priority=100,udp,in_port=11,nw_src=10.10.1.100 actions=set_field:02:00:00:00:00:20->eth_src,resubmit(,160)',
  ])
  t.deepEqual(objects({}, 'fragments/'), [])
})

const told = { directors: [DIRECTOR] }

test('signals: a reply goes by the table that copies SYN-ACK, FIN and RST to each director, with the ingress port', t => {
  t.regex(
    objects({ ...told, vms: [1, 2] }, 'rs/')[4] ?? '',
    /priority=40500,tcp,in_port=12.*actions=set_field:80->tcp_src,set_field:02:00:00:00:00:20->eth_src,set_field:0x9c40->reg2,resubmit\(,164\),resubmit\(,160\)$/,
  )
  const second = { mac: '02:00:00:00:01:01', recallMac: '0a:00:00:00:01:01', hostIp: undefined }
  const host = texts({ directors: [DIRECTOR, second] }, 'host')
  const copies = host.filter(text => text.startsWith('table=164,'))
  t.deepEqual(
    copies.map(text => /tcp_flags=(\S+)/.exec(text)?.[1]),
    ['+syn+ack', '+fin', '+rst'],
  )
  const tracked = [
    'ct(zone=16383)',
    'ct(commit,zone=16383,exec(set_field:0x80000000/0x80000000->ct_mark))',
    'ct(commit,zone=16383,exec(set_field:0xc0000000/0xc0000000->ct_mark))',
  ]
  for (const [n, text] of copies.entries()) {
    t.true(text.includes(`clone(move:NXM_NX_REG2[0..15]->NXM_OF_TCP_SRC[],${tracked[n]},`), text)
    for (const { recallMac } of [DIRECTOR, second]) t.true(text.includes(`set_field:${recallMac}->eth_dst`), text)
  }
  t.deepEqual(
    host.filter(text => text.includes('priority=40700')).map(text => text.replace(/.*priority=40700,/, '')),
    [DIRECTOR, second].flatMap(({ recallMac }) => [
      `reg12=0x1,dl_dst=${recallMac} actions=set_field:CONTROLLER->in_port,output:1`,
      `reg12=0x3,dl_dst=${recallMac} actions=set_field:CONTROLLER->in_port,output(port=1,max_len=1518)`,
    ]),
  )
})

test('signals find their way: a director that is a VM here, an uplink that strips its tag, a tunnel', t => {
  const ways = (scene: Scene) => texts(scene, 'host').filter(text => text.includes('priority=40700'))
  const here = { ...DIRECTOR, mac: port(1).attachedMac! }
  t.regex(ways({ directors: [here] })[0] ?? '', /set_field:CONTROLLER->in_port,output:11$/)
  t.regex(ways({ directors: [here], tag: 7 })[0] ?? '', /set_field:CONTROLLER->in_port,pop_vlan,output:11$/)
  const overlay = { tunnel: 9, networkKey: 100, clientHosts: [], directorIp: undefined, forwardTable: undefined }
  t.regex(ways({ ...told, overlay })[0] ?? '', /set_field:0x64->tun_id,set_field:172\.24\.1\.100->tun_dst,output:9$/)
  t.regex(ways({ directors: [{ ...DIRECTOR, hostIp: undefined }], overlay })[0] ?? '', /resubmit\(,162\)$/)
})

test('recall: a request leaves an entry; a question is looked up once for each real server; the answer names it', t => {
  const found = objects({ ...told, vms: [1, 2] }, '')
  const requests = found.filter(text => /priority=40500,.*dl_dst=02:00:00:00:00:20/.test(text))
  t.regex(requests[1] ?? '', /tp_dst=40000 actions=set_field:0x2->reg3,resubmit\(,165\),set_field:52:54/)
  t.deepEqual(
    found.filter(text => text.includes('priority=40510')),
    [
      'table=0,priority=40510,tcp,vlan_tci=0x0000/0x1fff,dl_src=0a:00:00:00:01:00,dl_dst=02:00:00:00:00:20,nw_dst=10.10.1.100,tp_dst=80,tcp_flags=-syn actions=clone(set_field:8080->tcp_dst,ct(table=163,zone=16383)),clone(set_field:40000->tcp_dst,ct(table=163,zone=16383))',
    ],
  )
  t.deepEqual(found.filter(text => text.startsWith('table=163,')).slice(2), [
    'table=163,priority=100,ct_zone=16383,ct_mark=0x2/0x3fffffff,tcp,vlan_tci=0x0000/0x1fff,nw_dst=10.10.1.100,tp_dst=40000 actions=clone(move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:02:00:00:00:00:20->eth_src,set_field:0x1->reg12,resubmit(,0)),set_field:0x2->reg3,resubmit(,165),set_field:52:54:00:00:00:02->eth_dst,set_field:8080->tcp_dst,output:12',
  ])
  t.true(
    texts(told, 'port/vnet1').includes(
      'table=0,priority=40690,reg12=0,in_port=11,dl_dst=0a:00:00:00:01:00 actions=drop',
    ),
  )
})

test('recall: an entry says who has ended its connection; what both sides have ended is nobody’s', t => {
  const number = 'move:NXM_NX_REG3[0..29]->NXM_NX_CT_MARK[0..29]'
  const commit = (exec: string) => `actions=ct(commit,zone=16383,exec(${exec}))`
  t.deepEqual(
    texts(told, 'host').filter(text => /^table=16[35],/.test(text)),
    [
      `table=165,priority=110,tcp,tcp_flags=-fin+syn-rst-ack ${commit('move:NXM_NX_REG3[]->NXM_NX_CT_MARK[]')}`,
      `table=165,priority=110,tcp,tcp_flags=+fin-rst ${commit(`${number},set_field:0x40000000/0x40000000->ct_mark`)}`,
      `table=165,priority=110,tcp,tcp_flags=+rst ${commit(`${number},set_field:0xc0000000/0xc0000000->ct_mark`)}`,
      `table=165,priority=100,tcp ${commit(number)}`,
      'table=163,priority=110,ct_zone=16383,ct_mark=0xc0000000/0xc0000000 actions=drop',
    ],
  )
})

test('UDP, and a host without a director, have neither signals nor recall', t => {
  for (const scene of [{}, { ...told, specs: [spec({ protocol: 'udp' })] }]) {
    const found = objects(scene, 'rs/')
    t.deepEqual(
      found.filter(text => /ct\(|16[345]/.test(text)),
      [],
    )
    t.is(objects(scene, 'recall/').length, 0)
  }
})
