import test from 'ava'
import { IPV6 } from '../../../shared/net/family.ts'
import { flowText } from '../../../shared/openflow/text.ts'
import { directorScenes, hostScenes } from '../net/scenes.ts'

const SCENES = hostScenes(IPV6)

function texts(scene: string, object: string): string[] {
  const flows = SCENES.get(scene)?.get(object)?.flows() ?? []
  return [...flows].map(flow => flowText(flow).replace(/cookie=0x[0-9a-f]+, ?/, ''))
}

test('a VM that holds the VIP: no solicitation for it, no advertisement of it, no router solicitation from it is heard', t => {
  const icmp6 = (type: number, rest: string) =>
    new RegExp(
      `^table=0,priority=40500,icmp6,in_port=11,${rest.replaceAll('TYPE', `icmp_type=${type},icmp_code=0`)} actions=drop$`,
    )
  const shield = texts('untagged', 'shield/2001:db8::1/vnet1')
  t.regex(shield[0] ?? '', icmp6(135, 'TYPE,nd_target=2001:db8::1'))
  t.regex(shield[1] ?? '', icmp6(136, 'TYPE,nd_target=2001:db8::1'))
  t.regex(shield[2] ?? '', icmp6(136, 'ipv6_src=2001:db8::1,TYPE'))
  t.regex(shield[3] ?? '', icmp6(133, 'ipv6_src=2001:db8::1,TYPE'))
  t.deepEqual(shield.slice(4), [
    'table=0,priority=40450,icmp6,in_port=11,ipv6_src=2001:db8::1,icmp_type=135,icmp_code=0 actions=set_field:fe80::21->ipv6_src,resubmit(,0)',
    'table=0,priority=40400,ipv6,in_port=11,ipv6_src=2001:db8::1 actions=set_field:02:00:00:00:00:20->eth_src,resubmit(,160)',
    'table=0,priority=40520,ipv6,in_port=11,vlan_tci=0x1000/0x1000,ipv6_src=2001:db8::1 actions=drop',
    'table=0,priority=40520,icmp6,in_port=11,vlan_tci=0x1000/0x1000,icmp_type=136,icmp_code=0,nd_target=2001:db8::1 actions=drop',
  ])
  t.regex(texts('own addresses not known', 'shield/2001:db8::1/vnet1')[4] ?? '', /icmp_type=135,.*actions=drop$/)
})

test('who asks for the VIP is answered by the process; `arp: drop` is for what comes from the fabric', t => {
  const [announced, asked] = texts('untagged', 'vip/2001:db8::1/untagged')
  t.is(
    announced,
    'table=0,priority=40260,icmp6,vlan_tci=0x0000/0x1fff,ipv6_dst=ff02::1,icmp_type=136,icmp_code=0,nd_target=2001:db8::1 actions=set_field:02:00:00:00:00:20->eth_dst,NORMAL',
  )
  t.is(
    asked,
    'table=0,priority=40200,icmp6,vlan_tci=0x0000/0x1fff,icmp_type=135,icmp_code=0,nd_target=2001:db8::1 actions=CONTROLLER:65535',
  )
  t.regex(texts('untagged', 'vip/2001:db8::4/untagged')[1] ?? '', /icmp6,in_port=1,.*actions=drop$/)
})

test('requests and replies, with clients and a port of its own', t => {
  const flows = texts('untagged', 'rs/b/00000000-0000-4000-8000-000000000001/8080')
  t.regex(
    flows.find(text => text.includes('ipv6_dst=2001:db8::99,')) ?? '',
    /priority=40500,tcp6,in_port=11,ipv6_src=2001:db8::1,ipv6_dst=2001:db8::99,tp_src=8080 actions=set_field:443->tcp_src/,
  )
  t.true(
    flows.some(text => text.includes('ipv6_src=2001:db8:1::/48,ipv6_dst=2001:db8::1,tp_dst=8080 ')),
    flows.join('\n'),
  )
  const asked = texts('untagged', 'rs/e/00000000-0000-4000-8000-000000000001/8080')
  t.true(
    asked.some(text => text.includes('set_field:::/::ffff:ffff:ffff:ffff->ipv6_src,set_field:1->tcp_src,ct(commit')),
    asked.join('\n'),
  )
})

test('no VM sends from a VIP or advertises it that it does not hold', t => {
  t.deepEqual(texts('untagged', 'vip/2001:db8::1'), [
    'table=0,priority=40300,ipv6,ipv6_src=2001:db8::1 actions=conjunction(3377803264,2/2)',
    'table=0,priority=40300,icmp6,icmp_type=136,icmp_code=0,nd_target=2001:db8::1 actions=conjunction(3377807360,2/2)',
  ])
  t.deepEqual(texts('untagged', 'port/vnet3').slice(0, 1), [
    'table=0,priority=40300,in_port=13,vlan_tci=0x0000/0x1fff actions=conjunction(3377803264,1/2),conjunction(3377807360,1/2)',
  ])
})

test('overlay: a solicitation teaches where its sender is, an advertisement where its target is', t => {
  const host = texts('overlay', 'host').filter(text => text.includes('priority=60001'))
  t.is(host.length, 2)
  t.regex(host[0] ?? '', /icmp_type=135,.*,icmpv6_type=135,icmpv6_code=0,NXM_NX_ND_TARGET\[\]=NXM_NX_IPV6_SRC\[\],/)
  t.regex(host[1] ?? '', /icmp_type=136,.*,icmpv6_type=135,icmpv6_code=0,NXM_NX_ND_TARGET\[\],/)
})

test('the director: a solicitation for a VIP comes to the process behind a meter', t => {
  const flows = [...directorScenes(IPV6).values()].flatMap(scene =>
    [...scene.values()].flatMap(object => [...object.flows()]),
  )
  const asked = flows.map(flow => flowText(flow)).filter(text => /icmp_type=135.*CONTROLLER/.test(text))
  t.true(asked.length > 0)
  for (const text of asked) t.regex(text, /actions=meter:50950,(.*,)?CONTROLLER/)
})
