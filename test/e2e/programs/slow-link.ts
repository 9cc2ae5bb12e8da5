import { connect, createServer, type Socket } from 'node:net'

// slow-link LISTEN_PORT HOST PORT DELAY_MS: passes connections on, with this delay in both directions.
const [listen, host, port, delay] = process.argv.slice(2)

function pipe(from: Socket, to: Socket): void {
  const later = (what: () => void) => setTimeout(what, Number(delay))
  from.on('data', chunk => later(() => to.write(chunk)))
  from.on('close', () => later(() => to.destroy()))
  from.on('error', () => {})
}

createServer(near => {
  const far = connect(Number(port), host)
  pipe(near, far)
  pipe(far, near)
}).listen(Number(listen), '127.0.0.1', () => process.stdout.write('listening\n'))
