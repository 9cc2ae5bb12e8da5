import { checksum, TCP_FLAG as FLAG, ipv4Packet, tcpPacket } from '../../shared/packet/ipv4.ts'

/**
 * The answer to a request that nobody can serve, made of the request's own frame: a TCP RST (RFC 9293, 3.10.7.1) or an
 * ICMP port unreachable (RFC 792; RFC 1122, 3.2.2.1). Undefined where no answer is due: to a RST, to a fragment that is
 * not the first, to what is cut short, to a group address.
 */
export function refusal(frame: Buffer): Buffer | undefined {
  const vlan = frame.length >= 18 && frame.readUInt16BE(12) === 0x8100 ? 4 : 0
  const ip = 14 + vlan
  if (frame.length < ip + 28 || frame.readUInt16BE(ip - 2) !== 0x0800) return undefined
  if ((frame[6]! & 1) === 1 || (frame.readUInt16BE(ip + 6) & 0x1fff) !== 0) return undefined
  const payload = ip + (frame[ip]! & 0x0f) * 4
  const answer =
    frame[ip + 9] === 6 ? reset(frame, ip, payload) : frame[ip + 9] === 17 ? unreachable(frame, ip) : undefined
  return answer && Buffer.concat([frame.subarray(6, 12), frame.subarray(0, 6), frame.subarray(12, ip), answer])
}

function reset(frame: Buffer, ip: number, tcp: number): Buffer | undefined {
  if (frame.length < tcp + 20) return undefined
  const flags = frame[tcp + 13]!
  if (flags & FLAG.RST) return undefined
  const length = frame.readUInt16BE(ip + 2) - (tcp - ip) - (frame[tcp + 12]! >> 4) * 4
  const taken = length + (flags & FLAG.SYN ? 1 : 0) + (flags & FLAG.FIN ? 1 : 0)
  const acknowledged = (flags & FLAG.ACK) !== 0
  return tcpPacket(backwards(frame, ip), {
    srcPort: frame.readUInt16BE(tcp + 2),
    dstPort: frame.readUInt16BE(tcp),
    sequence: acknowledged ? frame.readUInt32BE(tcp + 8) : 0,
    acknowledgment: acknowledged ? 0 : (frame.readUInt32BE(tcp + 4) + taken) >>> 0,
    flags: acknowledged ? FLAG.RST : FLAG.RST | FLAG.ACK,
  })
}

function unreachable(frame: Buffer, ip: number): Buffer {
  // The request's IP header and as much of what follows as is there, at most 548 bytes more (RFC 1812, 4.3.2.3).
  const total = Math.min(frame.readUInt16BE(ip + 2), 548, frame.length - ip)
  const message = Buffer.concat([Buffer.from([3, 3, 0, 0, 0, 0, 0, 0]), frame.subarray(ip, ip + total)])
  message.writeUInt16BE(checksum(message), 2)
  return ipv4Packet(backwards(frame, ip), 1, message)
}

function backwards(frame: Buffer, ip: number) {
  return { src: frame.subarray(ip + 16, ip + 20), dst: frame.subarray(ip + 12, ip + 16) }
}
