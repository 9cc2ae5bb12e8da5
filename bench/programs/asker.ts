import { createSocket } from 'node:dgram'

/*
 * node asker.ts ADDRESS…: sends a datagram to port 8080 of each address every millisecond, as a director sends to the ingress
 * port. Prints `answered ADDRESS AT` at the first answer, which must come from port 80, and `silent ADDRESS AT` when there has
 * been none for a while; AT is milliseconds of CLOCK_MONOTONIC.
 */

const SILENCE_MS = 100
const heard = new Map(process.argv.slice(2).map(address => [address, Number.NEGATIVE_INFINITY]))
const answering = new Set<string>()
const now = () => Number(process.hrtime.bigint()) / 1e6
const tell = (what: string, address: string, at: number) => process.stdout.write(`${what} ${address} ${at}\n`)

const socket = createSocket('udp4')
// A host without the flows yet may refuse.
socket.on('error', () => {})
socket.on('message', (_message, { address, port }) => {
  if (port !== 80 || !heard.has(address)) return
  const at = now()
  heard.set(address, at)
  if (answering.has(address)) return
  answering.add(address)
  tell('answered', address, at)
})
setInterval(() => {
  for (const [address, last] of heard) {
    socket.send('?', 8080, address)
    const at = now()
    if (at - last > SILENCE_MS && answering.delete(address)) tell('silent', address, at)
  }
}, 1)
