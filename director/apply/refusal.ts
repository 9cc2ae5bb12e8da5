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

const FLAG = { FIN: 1, SYN: 2, RST: 4, ACK: 16 } as const

function reset(frame: Buffer, ip: number, tcp: number): Buffer | undefined {
  if (frame.length < tcp + 20) return undefined
  const flags = frame[tcp + 13]!
  if (flags & FLAG.RST) return undefined
  const length = frame.readUInt16BE(ip + 2) - (tcp - ip) - (frame[tcp + 12]! >> 4) * 4
  const taken = length + (flags & FLAG.SYN ? 1 : 0) + (flags & FLAG.FIN ? 1 : 0)
  const segment = Buffer.alloc(20)
  frame.copy(segment, 0, tcp + 2, tcp + 4)
  frame.copy(segment, 2, tcp, tcp + 2)
  if (flags & FLAG.ACK) frame.copy(segment, 4, tcp + 8, tcp + 12)
  else segment.writeUInt32BE((frame.readUInt32BE(tcp + 4) + taken) >>> 0, 8)
  segment[12] = 5 << 4
  segment[13] = flags & FLAG.ACK ? FLAG.RST : FLAG.RST | FLAG.ACK
  const header = ipHeader(frame, ip, 6, segment.length)
  const pseudo = Buffer.concat([header.subarray(12, 20), Buffer.from([0, 6, 0, segment.length]), segment])
  segment.writeUInt16BE(checksum(pseudo), 16)
  return Buffer.concat([header, segment])
}

function unreachable(frame: Buffer, ip: number): Buffer {
  // The request's IP header and as much of what follows as is there, at most 548 bytes more (RFC 1812, 4.3.2.3).
  const total = Math.min(frame.readUInt16BE(ip + 2), 548, frame.length - ip)
  const message = Buffer.concat([Buffer.from([3, 3, 0, 0, 0, 0, 0, 0]), frame.subarray(ip, ip + total)])
  message.writeUInt16BE(checksum(message), 2)
  return Buffer.concat([ipHeader(frame, ip, 1, message.length), message])
}

function ipHeader(frame: Buffer, ip: number, protocol: number, length: number): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + length, 2)
  header[8] = 64
  header[9] = protocol
  frame.copy(header, 12, ip + 16, ip + 20)
  frame.copy(header, 16, ip + 12, ip + 16)
  header.writeUInt16BE(checksum(header), 10)
  return header
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) sum += i + 1 < bytes.length ? bytes.readUInt16BE(i) : bytes[i]! << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
