import { existsSync } from 'node:fs'
import { connect } from 'node:net'

// node uploader.ts HOST PORT STOP_FILE: sends to an echo service as fast as possible, and expects everything back in
// order. Prints `sending` at the first echo. When the stop file exists, it stops sending and prints as JSON what has come back
// when everything has, or what has ended the connection.
const [host, port, stopFile] = process.argv.slice(2)
/** A power of two and a prime have no common period, so lost or doubled data shows. */
const PATTERN = Buffer.from(Array.from({ length: 65_521 }, (_, i) => (i * 131) & 0xff))
let sent = 0
let heard = 0
let stopping = false

const finish = (error: string) => {
  process.stdout.write(`${JSON.stringify({ sent, heard, error })}\n`, () => process.exit(0))
}
const socket = connect(Number(port), host, () => send())
socket.on('error', error => finish(error.message))
socket.on('close', () => finish('closed'))
socket.on('data', data => {
  if (heard === 0) process.stdout.write('sending\n')
  for (let at = 0; at < data.length; at += 4096)
    if (data[at] !== PATTERN[(heard + at) % PATTERN.length]) return finish(`byte ${heard + at} is another`)
  heard += data.length
  if (stopping && heard === sent) finish('')
})

function send(): void {
  while (!stopping) {
    sent += PATTERN.length
    if (!socket.write(PATTERN)) return void socket.once('drain', send)
  }
}
setInterval(() => {
  stopping ||= existsSync(stopFile!)
}, 100)
