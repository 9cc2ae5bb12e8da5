import test from 'ava'
import type { OverlayContext } from '../../../agent/compile/types.ts'
import { flowKey } from '../../../shared/flows/key.ts'
import { spec } from '../real-servers/fixtures.ts'
import { compiled, D, DIRECTOR, H, objects, texts } from './scene.ts'

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

test('overlay: who bears the address of a director or of this host is believed from its own tunnel end only', t => {
  const inVm = { mac: '02:00:00:00:09:00', recallMac: '0a:00:00:00:09:00', hostIp: undefined }
  const guard = (overlay: OverlayContext) =>
    texts({ overlay, directors: [DIRECTOR, inVm] }, 'host').filter(text => /priority=6000[23]/.test(text))
  const from = 'table=0,priority=60002,reg13=0,tun_id=0x64,in_port=5,dl_src='
  t.deepEqual(
    guard(OVERLAY).slice(0, 3),
    [H, D, '0a:00:00:00:01:00'].map(mac => `${from}${mac} actions=drop`),
  )
  const own = guard(OVERLAY).slice(3)
  t.is(own.length, 2)
  for (const text of own)
    t.regex(text, /tun_src=172\.24\.1\.100.* actions=learn\(.*,set_field:0x1->reg13,resubmit\(,0\)$/)
  t.notRegex(guard({ ...OVERLAY, forwardTable: 8 }).join('\n'), /learn/)
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
