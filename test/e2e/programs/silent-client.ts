import { connect } from 'node:net'

// node silent-client.ts HOST PORT COUNT: opens COUNT connections, sends 100 bytes on each, waits for the echoes and
// then stays silent. Prints `silent`, and at the end of each connection its cause and the number of ended ones.
// On SIGUSR2 it resets all of them and prints `reset`.
const [host, port, count] = process.argv.slice(2)
const SAID = 'x'.repeat(100)
const sockets: ReturnType<typeof connect>[] = []
let silent = 0
let ended = 0
for (let i = 0; i < Number(count); i++) {
  let heard = 0
  const socket = connect(Number(port), host, () => socket.write(SAID))
  sockets.push(socket)
  socket.on('data', data => {
    heard += data.length
    if (heard === SAID.length && ++silent === Number(count)) console.log('silent')
  })
  socket.on('error', error => console.log((error as NodeJS.ErrnoException).code, ++ended))
  socket.on('end', () => console.log('end', ++ended))
}
process.on('SIGUSR2', () => {
  for (const socket of sockets) socket.resetAndDestroy()
  console.log('reset')
})
