import { createRequire } from 'node:module'
import { FLOOD_FRAMES, type FloodFrames } from './flood-frames.ts'

/*
 * node flood.ts DEVICE KIND TO_MAC ADDRESS PORT PER_SECOND [SOURCES]: sends frames of this kind (flood-frames.ts), each from another
 * address and port, straight into the device (packet(7), sendmmsg(2)); after SOURCES frames the same again. Prints `sending`, and each second the number of frames.
 */

const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
const [device, kind, mac, address, port, perSecond, sources = 1 << 17] = process.argv.slice(2)
const TUPLES = Number(sources)
const AT_A_TIME = 64
const [AF_PACKET, SOCK_RAW, SOL_PACKET, PACKET_QDISC_BYPASS] = [17, 3, 263, 20]
/** struct mmsghdr, struct iovec, and a frame, each in whole cache lines. */
const SIZE = { message: 64, vector: 16, frame: 128 } as const

const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int, int, int)')
const bind = libc.func('int bind(int, void *, uint32_t)')
const setsockopt = libc.func('int setsockopt(int, int, int, void *, uint32_t)')
const malloc = libc.func('uint64_t malloc(size_t)')
const copy = libc.func('void *memcpy(uint64_t, void *, size_t)')
const send = libc.func('int sendmmsg(int, uint64_t, uint32_t, int)')

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
const make = FLOOD_FRAMES[kind as FloodFrames]
for (let n = 0; n < TUPLES; n++) {
  const frame = make({ mac: mac!, address: address!, port: Number(port) })
  frame.copy(frames, n * SIZE.frame)
  vectors.writeBigUInt64LE(at.frames + BigInt(n * SIZE.frame), n * SIZE.vector)
  vectors.writeBigUInt64LE(BigInt(frame.length), n * SIZE.vector + 8)
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
