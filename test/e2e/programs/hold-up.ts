import { readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

// Preloaded into a daemon (NODE_OPTIONS=--import=…): SIGUSR2 writes the longest time that its event loop was held up since
// the last one (ms) to /run/held-up, and lets its wall clock jump by as many ms as /run/clock-jump says. Of all that a
// Node process does only Date asks that clock; libuv's timers and performance.now() have the monotonic one.
const RealDate = Date
let offset = 0
const now = () => RealDate.now() + offset

globalThis.Date = class extends RealDate {
  static override now = now
  constructor(...args: readonly never[]) {
    if (args.length === 0) super(now())
    else super(...(args as unknown as [number]))
  }
} as DateConstructor

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.on('SIGUSR2', () => {
  writeFileSync('/run/held-up', (delay.max / 1e6).toFixed(1))
  delay.reset()
  try {
    offset += Number(readFileSync('/run/clock-jump', 'utf8'))
  } catch {
    // There is no file: the clock does not jump.
  }
})
