import { PROTOCOL } from '../../shared/net/match.ts'
import type { Family } from '../../shared/net/types.ts'
import { icmpPacket, packetIn } from '../../shared/packet/ip.ts'
import { TCP_FLAG as FLAG, tcpPacket } from '../../shared/packet/tcp.ts'
import type { Header } from '../../shared/wire/types.ts'

/**
 * Makes the answer to a request that no real server can serve, from the request's own frame: a TCP RST (RFC 9293, 3.10.7.1) or an
 * ICMP port unreachable (RFC 792; RFC 1122, 3.2.2.1; RFC 4443, 3.1). Returns undefined where no answer may be sent: to a RST, a
 * fragment that is not the first, a truncated packet, a group address.
 */
export function refusal(data: Buffer): Buffer | undefined {
  const packet = packetIn(data)
  if (packet === undefined) return undefined
  const { frame, family, ip, header } = packet
  if (frame.length < header.payload + 8 || (frame[6]! & 1) === 1 || !header.first) return undefined
  const answer =
    header.protocol === PROTOCOL.tcp
      ? reset(frame, header)
      : header.protocol === PROTOCOL.udp
        ? unreachable(frame, family, ip, header)
        : undefined
  return answer && Buffer.concat([frame.subarray(6, 12), frame.subarray(0, 6), frame.subarray(12, ip), answer])
}

function reset(frame: Buffer, header: Header): Buffer | undefined {
  const { payload: tcp, end } = header
  if (frame.length < tcp + 20) return undefined
  const flags = frame[tcp + 13]!
  if (flags & FLAG.RST) return undefined
  const length = end - tcp - (frame[tcp + 12]! >> 4) * 4
  const taken = length + (flags & FLAG.SYN ? 1 : 0) + (flags & FLAG.FIN ? 1 : 0)
  const acknowledged = (flags & FLAG.ACK) !== 0
  return tcpPacket(backwards(header), {
    srcPort: frame.readUInt16BE(tcp + 2),
    dstPort: frame.readUInt16BE(tcp),
    sequence: acknowledged ? frame.readUInt32BE(tcp + 8) : 0,
    acknowledgment: acknowledged ? 0 : (frame.readUInt32BE(tcp + 4) + taken) >>> 0,
    flags: acknowledged ? FLAG.RST : FLAG.RST | FLAG.ACK,
  })
}

function unreachable(frame: Buffer, { icmp }: Family, ip: number, header: Header): Buffer {
  const { type, code, cites } = icmp.portUnreachable
  // The request's IP header, and as much after it as is there.
  const cited = frame.subarray(ip, Math.min(header.end, ip + cites, frame.length))
  return icmpPacket(backwards(header), Buffer.concat([Buffer.from([type, code, 0, 0, 0, 0, 0, 0]), cited]))
}

function backwards({ src, dst }: Header) {
  return { src: dst, dst: src }
}
