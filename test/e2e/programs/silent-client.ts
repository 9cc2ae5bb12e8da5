import { connect } from 'node:net'

// node silent-client.ts HOST PORT COUNT: opens so many connections, says 100 bytes on each, waits for the echoes and
// says no more. Prints `silent`, and at the end of each connection what ended it, with how many have ended.
const [host, port, count] = process.argv.slice(2)
const SAID = 'x'.repeat(100)
let silent = 0
let ended = 0
for (let i = 0; i < Number(count); i++) {
  let heard = 0
  const socket = connect(Number(port), host, () => socket.write(SAID))
  socket.on('data', data => {
    heard += data.length
    if (heard === SAID.length && ++silent === Number(count)) console.log('silent')
  })
  socket.on('error', error => console.log((error as NodeJS.ErrnoException).code, ++ended))
  socket.on('end', () => console.log('end', ++ended))
}
