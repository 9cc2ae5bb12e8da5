import test from 'ava'
import { flowKey } from '../../../shared/flows/key.ts'
import { domain, port, spec } from '../real-servers/fixtures.ts'
import { compiled, D, DIRECTOR, H, objects, type Scene, texts } from './scene.ts'

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
      edits: [],
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

test('a UDP reply in fragments: the port of the first one is looked up by way of a register', t => {
  const fragments = objects({ specs: [spec({ protocol: 'udp', port: 53 })] }, 'fragments/')
  t.deepEqual(fragments, [
    'table=0,priority=40500,udp,in_port=11,nw_src=10.10.1.100,nw_frag=first actions=move:NXM_OF_UDP_SRC[]->NXM_NX_REG1[0..15],resubmit(,161)',
    'table=161,priority=40500,udp,reg1=0x1f90,in_port=11,nw_src=10.10.1.100 actions=set_field:53->udp_src,set_field:02:00:00:00:00:20->eth_src,resubmit(,160)',
    'table=161,priority=100,udp,in_port=11,nw_src=10.10.1.100 actions=set_field:02:00:00:00:00:20->eth_src,resubmit(,160)',
  ])
  t.deepEqual(objects({}, 'fragments/'), [])
})
