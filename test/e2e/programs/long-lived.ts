import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

// Holds connections to an echo service; each sends all the time and expects every echo. With FIRST it uses the ports from
// FIRST on. Prints `open` once all are open. When the stop file exists, it prints the results as JSON.
const [host, port, count, stopFile, first] = process.argv.slice(2)
const EVERY_MS = 500
/** A connection without an echo for so long has been lost without an error. */
const PATIENCE_MS = 20_000

interface Held {
  readonly socket: Socket
  said: number
  heard: number
  lost: string
}

const held: Held[] = []

/** One after the other: a simple server has a short backlog, and a connection that it drops looks open from here. */
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
  // Each connection has sent once more since the last change.
  if (stopped++ === 0) for (const connection of held) speak(connection)
  // The last data may have to be repeated a few times.
  const open = held.filter(({ said, heard, lost }) => lost === '' && heard < said)
  if (open.length > 0 && stopped * EVERY_MS < PATIENCE_MS) return
  const lost = held.map(connection => connection.lost).filter(why => why !== '')
  process.stdout.write(`${JSON.stringify({ count: held.length, lost, silent: open.length })}\n`)
  process.exit(0)
}, EVERY_MS)
