import { existsSync } from 'node:fs'
import { connect } from 'node:net'

// Holds connections to an echo service, on each of which it says something all the time and wants to hear it again.
// Says `open` once all are there; when the stop file is there, says what has become of them, as JSON.
const [host, port, count, stopFile] = process.argv.slice(2)
const EVERY_MS = 500

interface Held {
  said: number
  heard: number
  lost: string
}

const held: Held[] = []

/** One after the other: a simple server's backlog is short, and a connection that it forgets looks open from here. */
function open(): void {
  if (held.length === Number(count)) return void process.stdout.write('open\n')
  const connection: Held = { said: 1, heard: 0, lost: '' }
  const socket = connect(Number(port), host)
  held.push(connection)
  socket.write('x')
  socket.once('data', () => {
    open()
    setInterval(() => {
      if (connection.lost !== '') return
      connection.said++
      socket.write('x')
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
open()

setInterval(() => {
  if (!existsSync(stopFile!)) return
  const lost = held.map(connection => connection.lost).filter(why => why !== '')
  // One that is silent has been lost without a word: for 2 s nothing has come back.
  const silent = held.filter(({ said, heard, lost: why }) => why === '' && said - heard > 2000 / EVERY_MS).length
  process.stdout.write(`${JSON.stringify({ count: held.length, lost, silent })}\n`)
  process.exit(0)
}, EVERY_MS)
