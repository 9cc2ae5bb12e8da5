import { createServer } from 'node:net'

// Answers every request with the number of bytes that ?bytes= in its URL names.
const block = Buffer.alloc(256 * 1024)
createServer(socket => {
  socket.on('error', () => {})
  socket.once('data', request => {
    let left = Number(/bytes=(\d+)/.exec(request.toString('latin1'))?.[1] ?? 0)
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${left}\r\nConnection: close\r\n\r\n`)
    const send = () => {
      while (left > 0) {
        const part = Math.min(left, block.length)
        left -= part
        if (!socket.write(block.subarray(0, part))) return
      }
      socket.end()
    }
    socket.on('drain', send)
    send()
  })
}).listen(81, '127.0.0.1')
