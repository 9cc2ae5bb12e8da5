import { connect } from 'node:net'

// Asks once from a fixed source port; the connection ends with RST, so that the port is free at once.
const [from, fromPort, to, toPort] = process.argv.slice(2)
const socket = connect({ localAddress: from!, localPort: Number(fromPort), host: to!, port: Number(toPort) })
socket.setTimeout(5000, () => socket.destroy(new Error('no answer')))
socket.on('connect', () => socket.write('GET'))
socket.on('data', data => {
  process.stdout.write(`${data.toString().trim().split(/\s+/).at(-1)}\n`)
  socket.resetAndDestroy()
})
