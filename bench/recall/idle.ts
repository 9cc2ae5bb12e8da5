import { existsSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/*
 * node idle.ts ADDRESS PORT COUNT DIR: opens COUNT connections to an echo service and then stays silent. Prints `open`. For each
 * of the files DIR/1, DIR/2, … that appears, each connection sends one byte within SPREAD_MS. When all have got it back, or are
 * given up, a line of JSON has the times.
 */

const [address, port, count, dir] = process.argv.slice(2)
const AT_A_TIME = 100
const SPREAD_MS = 1000
const PATIENCE_MS = 15_000
const sockets: Socket[] = []
let lost = 0

const open = () =>
  new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), address, () => socket.write('x'))
    socket.setNoDelay(true)
    socket.once('error', reject)
    socket.once('data', () => {
      socket.off('error', reject)
      socket.on('error', () => lost++)
      sockets.push(socket)
      resolve()
    })
  })

/** Milliseconds until the echo; undefined: it did not come. */
async function ask(socket: Socket, after: number): Promise<number | undefined> {
  await sleep(after)
  if (socket.destroyed) return undefined
  const begin = performance.now()
  return new Promise(resolve => {
    const done = (value: number | undefined) => {
      clearTimeout(timer)
      socket.off('data', heard)
      socket.off('close', closed)
      resolve(value)
    }
    const heard = () => done(performance.now() - begin)
    const closed = () => done(undefined)
    const timer = setTimeout(closed, PATIENCE_MS)
    socket.on('data', heard)
    socket.on('close', closed)
    socket.write('x')
  })
}

await Promise.all(
  Array.from({ length: AT_A_TIME }, async (_, n) => {
    for (let i = n; i < Number(count); i += AT_A_TIME) await open()
  }),
)
process.stdout.write('open\n')
for (let n = 1; ; n++) {
  while (!existsSync(`${dir}/${n}`)) await sleep(5)
  const begin = performance.now()
  const answers = await Promise.all(sockets.map((socket, i) => ask(socket, (i * SPREAD_MS) / sockets.length)))
  const all = performance.now() - begin
  const times = answers.filter(time => time !== undefined).sort((a, b) => a - b)
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(part * times.length))]
  const unheard = answers.length - times.length
  process.stdout.write(`${JSON.stringify({ all, median: at(0.5), p99: at(0.99), longest: at(1), unheard, lost })}\n`)
}
