import { createSocket } from 'node:dgram'
import { existsSync } from 'node:fs'

// Asks twice from one source port: at once, and when the file `go` exists.
const [address, port, go] = process.argv.slice(2)
const socket = createSocket('udp4')
socket.on('message', data => process.stdout.write(`${data}\n`))
socket.connect(Number(port), address, () => {
  socket.send('?')
  const waiting = setInterval(() => {
    if (!existsSync(go!)) return
    clearInterval(waiting)
    socket.send('?')
  }, 50)
})
