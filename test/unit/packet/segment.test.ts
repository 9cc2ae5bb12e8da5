import test from 'ava'
import { refusal } from '../../../director/packets/refusal.ts'
import { FAMILIES, IPV4, IPV6 } from '../../../shared/net/family.ts'
import { ND } from '../../../shared/net/nd.ts'
import { segmentOf, TCP_FLAG, tcpPacket, withoutPayload } from '../../../shared/packet/tcp.ts'
import { solicited } from '../../../shared/wire/neighbour-advertisement.ts'
import { tcpdump } from './tcpdump.ts'

const ADDRESSES = {
  IPv4: { client: '10.10.1.10', vip: '10.10.1.100' },
  IPv6: { client: '2001:db8::10', vip: '2001:db8::100' },
} as const
const D = '02:00:00:00:01:00'

function ethernet(etherType: number, tagged: boolean): Buffer {
  const tag = tagged ? '8100000a' : ''
  return Buffer.from(`020000000100020000000010${tag}${etherType.toString(16).padStart(4, '0')}`, 'hex')
}

for (const family of FAMILIES) {
  const { client, vip } = ADDRESSES[family.name]
  const [src, dst] = [client, vip].map(address => family.toBytes(family.parse(address)!)) as [Buffer, Buffer]
  const header = { srcPort: 40_000, dstPort: 80, sequence: 7, acknowledgment: 9, flags: TCP_FLAG.ACK }
  const frameOf = (packet: Buffer, tagged = false) => Buffer.concat([ethernet(family.etherType, tagged), packet])

  test(`${family.name}: a segment is read as it was made, tagged or not, and none that is cut short`, t => {
    const packet = tcpPacket({ src, dst }, header)
    for (const tagged of [false, true]) {
      const frame = frameOf(packet, tagged)
      t.deepEqual(segmentOf(frame), { src, dst, ...header })
      for (let length = 0; length < frame.length; length++) t.is(segmentOf(frame.subarray(0, length)), undefined)
      const short = Buffer.from(frame)
      short[frame.length - 20 + 12] = 4 << 4
      t.is(segmentOf(short), undefined, 'a header that says it is shorter than one can be')
    }
  })

  test(`${family.name}: without its payload a segment is a plain ACK, and tcpdump finds its checksums right`, async t => {
    const packet = tcpPacket({ src, dst }, { ...header, flags: TCP_FLAG.FIN | TCP_FLAG.ACK })
    const longer = Buffer.concat([packet, Buffer.from('some data')])
    family.header.resize(longer, 0, longer.length)
    const plain = withoutPayload(frameOf(longer, true))
    t.is(segmentOf(plain)?.flags, TCP_FLAG.ACK)
    const text = await tcpdump([plain])
    t.regex(text, /Flags \[\.\], cksum 0x[0-9a-f]{4} \(correct\), seq 7, ack 9, win 0, length 0/)
    t.notRegex(text, /bad/)
  })

  test(`${family.name}: what is refused: TCP by a reset, UDP by an unreachable port, RST and group addresses by nothing`, async t => {
    const syn = frameOf(tcpPacket({ src, dst }, { ...header, flags: TCP_FLAG.SYN }))
    const data = Buffer.from('9c400035001000000102030405060708', 'hex')
    const udp = frameOf(Buffer.concat([family.header.write({ src, dst }, 17, data.length), data]))
    const [reset, unreachable] = [refusal(syn), refusal(udp)]
    const text = await tcpdump([reset!, unreachable!])
    t.regex(text, /Flags \[R\.\], cksum 0x[0-9a-f]{4} \(correct\), seq 0, ack 8, win 0, length 0/)
    t.regex(text, family === IPV4 ? /udp port 53 unreachable/ : /icmp6 sum ok\].* unreachable port, .* udp port 53/)
    t.notRegex(text, /bad|wrong/)
    t.deepEqual(reset!.subarray(0, 12), Buffer.concat([syn.subarray(6, 12), syn.subarray(0, 6)]))
    t.is(refusal(frameOf(tcpPacket({ src, dst }, { ...header, flags: TCP_FLAG.RST }))), undefined)
    t.is(refusal(Buffer.concat([Buffer.from([2, 0, 0, 0, 1, 0, 1]), syn.subarray(7)])), undefined)
    for (let length = 0; length < udp.length - data.length + 8; length++)
      t.is(refusal(udp.subarray(0, length)), undefined)
  })

  test(`${family.name}: an announcement is what its family has for that, as tcpdump reads it`, async t => {
    const { announce } = family.neighbours
    const text = await tcpdump([announce({ address: vip, mac: D, ethSrc: '02:00:00:00:00:20' })])
    t.regex(
      text,
      family === IPV4
        ? /02:00:00:00:00:20 > ff:ff:ff:ff:ff:ff.*Request who-has 10\.10\.1\.100 tell 10\.10\.1\.100/
        : /02:00:00:00:00:20 > 33:33:00:00:00:01.*hlim 255.*2001:db8::100 > ff02::1: \[icmp6 sum ok\] ICMP6, neighbor advertisement, length 32, tgt is 2001:db8::100, Flags \[override\].*destination link-address option \(2\), length 8 \(1\): 02:00:00:00:01:00/,
    )
  })
}

/** A neighbour solicitation as Linux makes it: the client asks for the VIP. Its checksum is filled in later. */
const SOLICITATION = Buffer.from(
  '3333ff00010002000000001086dd6000000000203aff20010db8000000000000000000000010' +
    'ff0200000000000000000001ff000100870000000000000020010db80000000000000000000001000101020000000010',
  'hex',
)

/** Fills in the checksum, after `change` in the IPv6 packet. */
function solicitation(change: (packet: Buffer) => void = () => {}, sealed = true): Buffer {
  const frame = Buffer.from(SOLICITATION)
  const packet = frame.subarray(14)
  change(packet)
  if (!sealed) return frame
  const pseudo = Buffer.concat([packet.subarray(8, 40), Buffer.from([0, 0, 0, 32, 0, 0, 0, 58]), packet.subarray(40)])
  let sum = 0
  for (let i = 0; i < pseudo.length; i += 2) sum += pseudo.readUInt16BE(i)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  packet.writeUInt16BE(~sum & 0xffff, 42)
  return frame
}

test('a solicitation is answered with an advertisement to who has asked; a probe to all nodes', async t => {
  const options = { mac: D, ethSrc: '02:00:00:00:00:20' }
  t.regex(await tcpdump([solicitation()]), /icmp6 sum ok\] ICMP6, neighbor solicitation.*who has 2001:db8::100/)
  const answer = await tcpdump([solicited(solicitation(), options)!])
  t.regex(answer, /02:00:00:00:00:20 > 02:00:00:00:00:10.*hlim 255.*2001:db8::100 > 2001:db8::10: \[icmp6 sum ok\]/)
  t.regex(answer, /neighbor advertisement.*tgt is 2001:db8::100, Flags \[solicited, override\]/)
  const probe = solicitation(packet => packet.fill(0, 8, 24))
  const toAll = await tcpdump([solicited(probe, options)!])
  t.regex(toAll, /> 33:33:00:00:00:01.*2001:db8::100 > ff02::1: \[icmp6 sum ok\].*Flags \[override\]/)
  const tagged = Buffer.concat([probe.subarray(0, 12), Buffer.from('8100000a', 'hex'), probe.subarray(12)])
  t.is(solicited(tagged, options)?.readUInt32BE(12), 0x8100000a)
})

test('what is no valid solicitation is not answered', t => {
  const options = { mac: D, ethSrc: D }
  const changes: Record<string, (packet: Buffer) => void> = {
    'by way of a router': packet => packet.writeUInt8(254, 7),
    'another code': packet => packet.writeUInt8(1, 41),
    'an advertisement': packet => packet.writeUInt8(136, 40),
    'for a group': packet => packet.writeUInt8(0xff, 48),
    'of another protocol': packet => packet.writeUInt8(17, 6),
  }
  for (const [what, change] of Object.entries(changes)) t.is(solicited(solicitation(change), options), undefined, what)
  t.is(
    solicited(
      solicitation(() => {}, false),
      options,
    ),
    undefined,
    'a wrong checksum',
  )
  const whole = solicitation()
  for (let length = 0; length < whole.length; length++) t.is(solicited(whole.subarray(0, length), options), undefined)
  t.is(ND.requestAs(undefined), undefined)
  t.is(IPV6.neighbours, ND)
})
