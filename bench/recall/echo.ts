import { createServer } from 'node:net'

// node echo.ts FIRST COUNT: an echo service on COUNT TCP ports from FIRST on.
const [first, count] = process.argv.slice(2).map(Number)
const listening = Array.from(
  { length: count! },
  (_, n) =>
    new Promise<void>(resolve => {
      createServer(socket => {
        socket.setNoDelay(true)
        socket.on('error', () => {})
        socket.on('data', data => socket.write(data))
      }).listen({ port: first! + n, host: '0.0.0.0', backlog: 1024 }, resolve)
    }),
)
await Promise.all(listening)
process.stdout.write('listening\n')
