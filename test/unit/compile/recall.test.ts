import test from 'ava'
import { port, spec } from '../real-servers/fixtures.ts'
import { DIRECTOR, objects, type Scene, texts } from './scene.ts'

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
