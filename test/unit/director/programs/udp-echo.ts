import { createSocket } from 'node:dgram'

// Answers every datagram with a name; prints a line when it listens.
const [address, port, name] = process.argv.slice(2)
const socket = createSocket('udp4')
socket.on('message', (_, peer) => socket.send(name!, peer.port, peer.address))
socket.bind(Number(port), address, () => process.stdout.write('up\n'))
