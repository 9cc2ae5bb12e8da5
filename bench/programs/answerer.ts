import { createSocket } from 'node:dgram'

// node answerer.ts ADDRESS…: sends every datagram to port 8080 of the addresses back.
for (const address of process.argv.slice(2)) {
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  socket.on('message', (message, from) => socket.send(message, from.port, from.address))
  socket.bind(8080, address)
}
