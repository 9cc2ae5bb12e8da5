import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { TCP_FLAG, tcpPacket } from '../../shared/packet/tcp.ts'

/*
 * node strays.ts DEVICE TO_MAC ADDRESS PORT PER_SECOND: sends TCP packets without a connection, each from another address and
 * port, straight into the device (packet(7), sendmmsg(2)). Prints `sending`, and each second the number of packets.
 */

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const [device, to, address, port, perSecond] = process.argv.slice(2)
const TUPLES = 1 << 17
const AT_A_TIME = 64
const [AF_PACKET, SOCK_RAW, SOL_PACKET, PACKET_QDISC_BYPASS] = [17, 3, 263, 20]
/** struct mmsghdr, struct iovec, and a frame, each in a cache line. */
const SIZE = { message: 64, vector: 16, frame: 64 } as const

const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int, int, int)')
const bind = libc.func('int bind(int, void *, uint32_t)')
const setsockopt = libc.func('int setsockopt(int, int, int, void *, uint32_t)')
const malloc = libc.func('uint64_t malloc(size_t)')
const copy = libc.func('void *memcpy(uint64_t, void *, size_t)')
const send = libc.func('int sendmmsg(int, uint64_t, uint32_t, int)')

const mac = (text: string) => Buffer.from(text.replaceAll(':', ''), 'hex')
const fd = socket(AF_PACKET, SOCK_RAW, 0)
const place = Buffer.alloc(20)
place.writeUInt16LE(AF_PACKET, 0)
place.writeInt32LE(libc.func('uint32_t if_nametoindex(str)')(device), 4)
if (fd < 0 || bind(fd, place, place.length) !== 0) throw new Error('no packet socket')
setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, Buffer.from([1, 0, 0, 0]), 4)

const frames = Buffer.alloc(TUPLES * SIZE.frame)
const vectors = Buffer.alloc(TUPLES * SIZE.vector)
const messages = Buffer.alloc(TUPLES * SIZE.message)
const at = {
  frames: BigInt(malloc(frames.length)),
  vectors: BigInt(malloc(vectors.length)),
  messages: BigInt(malloc(messages.length)),
}
const header = Buffer.concat([mac(to!), Buffer.from('020000000066', 'hex'), Buffer.from([8, 0])])
const dst = Buffer.from(address!.split('.').map(Number))
for (let n = 0; n < TUPLES; n++) {
  const random = randomBytes(13)
  const src = Buffer.from([198, 18 + (random[0]! & 1), random[1]!, random[2]!])
  const packet = tcpPacket(
    { src, dst },
    {
      srcPort: 1024 + (random.readUInt16BE(3) % 60_000),
      dstPort: Number(port),
      sequence: random.readUInt32BE(5),
      acknowledgment: random.readUInt32BE(9),
      flags: TCP_FLAG.ACK,
    },
  )
  Buffer.concat([header, packet]).copy(frames, n * SIZE.frame)
  vectors.writeBigUInt64LE(at.frames + BigInt(n * SIZE.frame), n * SIZE.vector)
  vectors.writeBigUInt64LE(BigInt(header.length + packet.length), n * SIZE.vector + 8)
  messages.writeBigUInt64LE(at.vectors + BigInt(n * SIZE.vector), n * SIZE.message + 16)
  messages.writeBigUInt64LE(1n, n * SIZE.message + 24)
}
copy(at.frames, frames, frames.length)
copy(at.vectors, vectors, vectors.length)
copy(at.messages, messages, messages.length)

let sent = 0
let next = 0
let begin = performance.now()
const burst = () => {
  const due = ((performance.now() - begin) / 1000) * Number(perSecond)
  while (sent < due) {
    const done = send(fd, at.messages + BigInt(next * SIZE.message), Math.min(AT_A_TIME, TUPLES - next), 0)
    if (done <= 0) break
    sent += done
    next = (next + done) % TUPLES
    if (performance.now() - begin > 1000) {
      process.stdout.write(`${sent}\n`)
      sent = 0
      begin = performance.now()
      break
    }
  }
  setImmediate(burst)
}
process.stdout.write('sending\n')
burst()
