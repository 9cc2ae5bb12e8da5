import { createServer } from 'node:net'

// Answers whatever comes on one port with a name; says when it listens. With a count: on so many ports from this one on,
// each with a name of its own.
const [port, name, count] = process.argv.slice(2)

let waiting = Number(count ?? 1)
for (let i = 0; i < Number(count ?? 1); i++) {
  const body = count === undefined ? `${name}\n` : `${name}-${i}\n`
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`
  createServer(socket => {
    socket.on('data', () => socket.write(answer))
    socket.on('error', () => socket.destroy())
  }).listen({ port: Number(port) + i, backlog: 4096 }, () => {
    if (--waiting === 0) process.stdout.write('listening\n')
  })
}
