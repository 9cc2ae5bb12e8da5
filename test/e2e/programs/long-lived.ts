import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

// Holds connections to an echo service, on each of which it says something all the time and wants to hear it again.
// With FIRST from the ports FIRST and up. Says `open` once all are there; when the stop file is there, says what has become of them, as JSON.
const [host, port, count, stopFile, first] = process.argv.slice(2)
const EVERY_MS = 500
/** With nothing heard of it for so long a connection has been lost without a word. */
const PATIENCE_MS = 20_000

interface Held {
  readonly socket: Socket
  said: number
  heard: number
  lost: string
}

const held: Held[] = []

/** One after the other: a simple server's backlog is short, and a connection that it forgets looks open from here. */
function open(): void {
  if (held.length === Number(count)) return void process.stdout.write('open\n')
  const from = first === undefined ? {} : { localPort: Number(first) + held.length }
  const socket = connect({ host, port: Number(port), ...from })
  const connection: Held = { socket, said: 1, heard: 0, lost: '' }
  held.push(connection)
  socket.write('x')
  socket.once('data', () => {
    open()
    setInterval(() => {
      if (stopped === 0) speak(connection)
    }, EVERY_MS)
  })
  socket.on('data', data => {
    connection.heard += data.length
  })
  const lost = (why: string) => {
    connection.lost ||= why
  }
  socket.on('error', error => lost(error.message))
  socket.on('close', () => lost('closed'))
}
function speak(connection: Held): void {
  if (connection.lost !== '') return
  connection.said++
  connection.socket.write('x')
}

open()

let stopped = 0
setInterval(() => {
  if (stopped === 0 && !existsSync(stopFile!)) return
  // Whatever has been done to them, each has spoken once more since.
  if (stopped++ === 0) for (const connection of held) speak(connection)
  // What was said last may have to be sent again a few times.
  const open = held.filter(({ said, heard, lost }) => lost === '' && heard < said)
  if (open.length > 0 && stopped * EVERY_MS < PATIENCE_MS) return
  const lost = held.map(connection => connection.lost).filter(why => why !== '')
  process.stdout.write(`${JSON.stringify({ count: held.length, lost, silent: open.length })}\n`)
  process.exit(0)
}, EVERY_MS)
