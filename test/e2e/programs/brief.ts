import { connect, type Socket } from 'node:net'

// node brief.ts HOST PORT FIRST COUNT HOW: opens connections to an echo service from the ports from FIRST on, waits for an
// echo on each, and closes them with FIN (`end`) or RST (`reset`). Prints `closed` when all are closed.
const [host, port, first, count, how] = process.argv.slice(2)
const sockets: Socket[] = []
const close = () => {
  for (const socket of sockets) how === 'end' ? socket.end() : socket.resetAndDestroy()
}
let heard = 0
let closed = 0
for (let i = 0; i < Number(count); i++) {
  const socket = connect({ host, port: Number(port), localPort: Number(first) + i }, () => socket.write('x'))
  sockets.push(socket)
  socket.once('data', () => {
    if (++heard === Number(count)) close()
  })
  socket.on('close', () => {
    if (++closed === Number(count)) process.stdout.write('closed\n')
  })
}
