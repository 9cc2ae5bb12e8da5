import { createServer } from 'node:net'

// Answers whatever comes on one port with a name; says when it listens.
const [port, name] = process.argv.slice(2)
const body = `${name}\n`
const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

createServer(socket => {
  socket.on('data', () => socket.write(answer))
  socket.on('error', () => socket.destroy())
}).listen(Number(port), '0.0.0.0', () => process.stdout.write('listening\n'))
