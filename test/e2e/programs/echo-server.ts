import dgram from 'node:dgram'
import net from 'node:net'

// echo-server ADDRESS UDP_PORT TCP_PORT: sends everything back; a datagram "big" is answered with 4000 bytes.
const [address, udpPort, tcpPort] = process.argv.slice(2)
const udp = dgram.createSocket('udp4', (message, from) => {
  udp.send(String(message) === 'big' ? Buffer.alloc(4000) : message, from.port, from.address)
})
// A socket that is not bound to an address would answer from the VM's own.
udp.bind(Number(udpPort), address, () => {
  net
    .createServer(socket => socket.on('error', () => {}).pipe(socket))
    .listen(Number(tcpPort), address, () => process.stdout.write('listening\n'))
})
