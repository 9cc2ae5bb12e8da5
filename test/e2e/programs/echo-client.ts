import dgram from 'node:dgram'
import net from 'node:net'

// echo-client udp|tcp ADDRESS PORT BYTES|TEXT: sends this, and prints the number of bytes that came back; with TCP also whether
// they are the same. Ends after 2 s without an answer (UDP), or when everything is back.
const [protocol, address = '', port, what = ''] = process.argv.slice(2)
const data = Number(what) > 0 ? Buffer.alloc(Number(what), 'crossport') : Buffer.from(what)
const end = (text: string) => process.stdout.write(`${text}\n`, () => process.exit(0))

if (protocol === 'udp') {
  const socket = dgram.createSocket('udp4', message => end(String(message.length)))
  socket.on('error', error => end(error.message))
  socket.connect(Number(port), address, () => socket.send(data))
  setTimeout(() => end('0'), 2000)
} else {
  const chunks: Uint8Array[] = []
  const socket = net.connect(Number(port), address, () => socket.end(data))
  socket.on('data', chunk => {
    chunks.push(new Uint8Array(chunk as Buffer))
  })
  socket.on('error', error => end(error.message))
  socket.on('end', () => {
    const got = Buffer.concat(chunks)
    end(`${got.length} ${got.equals(data) ? 'same' : 'different'}`)
  })
}
