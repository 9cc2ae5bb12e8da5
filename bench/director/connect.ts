import { connect } from 'node:net'

// node connect.ts RATE SECONDS ADDRESS…: opens RATE connections a second to port 80 of the addresses in turn, and closes each as
// soon as it is open.
const [rate, seconds, ...addresses] = process.argv.slice(2)
const total = Number(rate) * Number(seconds)
const begin = performance.now()
let sent = 0
let failed = 0
let open = 0
const tick = setInterval(() => {
  const due = Math.min(total, ((performance.now() - begin) / 1000) * Number(rate))
  for (; sent < due; sent++) {
    open++
    const socket = connect(80, addresses[sent % addresses.length])
    socket.setTimeout(3000, () => socket.destroy(new Error('no answer')))
    socket.on('connect', () => socket.end())
    socket.on('data', () => {})
    socket.on('error', () => failed++)
    socket.on('close', () => {
      open--
      if (sent >= total && open === 0) process.stdout.write(`${total} ${failed}\n`)
    })
  }
  if (sent >= total) clearInterval(tick)
}, 5)
