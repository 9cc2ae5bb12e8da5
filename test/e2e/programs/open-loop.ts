import { connect } from 'node:net'

// open-loop ADDRESS PORT EVERY_MS TIMEOUT_MS: an HTTP request every EVERY_MS, each on a connection of its own, whatever
// happens to earlier ones. Prints a line for each ended request: when it was sent (ms, wall clock), its duration (ms), and
// the answer's body, or `lost`. SIGTERM: sends no more, and ends once all requests have ended.
const [host, port, every, timeout] = process.argv.slice(2)
const everyMs = Number(every)
const timeoutMs = Number(timeout)
const begin = performance.now()
let sent = 0
let under = 0
let timer: NodeJS.Timeout | undefined

function one(): void {
  const at = Date.now()
  const from = performance.now()
  let text = ''
  let over = false
  sent++
  under++
  const socket = connect(Number(port), host, () => socket.write('GET / HTTP/1.0\r\n\r\n'))
  const end = () => {
    if (over) return
    over = true
    clearTimeout(late)
    socket.destroy()
    const body = /^HTTP\/1\.. 200.*?\r?\n\r?\n(\S+)/s.exec(text)?.[1]
    process.stdout.write(`${at} ${(performance.now() - from).toFixed(1)} ${body ?? 'lost'}\n`)
    under--
    if (timer === undefined && under === 0) process.exit(0)
  }
  const late = setTimeout(end, timeoutMs)
  socket.setEncoding('latin1')
  socket.on('data', chunk => {
    text += chunk
  })
  socket.on('end', end)
  socket.on('error', end)
}

/** Goes by the clock, so that requests missed during a stall of this process are made up for. */
function next(): void {
  while (sent * everyMs <= performance.now() - begin) one()
  timer = setTimeout(next, Math.max(0, sent * everyMs - (performance.now() - begin)))
}

process.on('SIGTERM', () => {
  clearTimeout(timer)
  timer = undefined
  if (under === 0) process.exit(0)
})
next()
