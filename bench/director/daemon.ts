import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { DirectorConfig } from '../../director/config.ts'
import { runDirector } from '../../director/run.ts'
import type { Log, LogFields } from '../../shared/log.ts'
import type { FromDaemon, ToDaemon } from './process.ts'

// A director in a process of its own (process.ts), so that memory, CPU time and stalls are only its own.

/** Milliseconds. With a shorter interval, the watching timer would be most of what an idle director costs. */
const RESOLUTION = 10
const delay = monitorEventLoopDelay({ resolution: RESOLUTION })
delay.enable()
const send = (message: FromDaemon) => process.send?.(message)
const now = () => performance.timeOrigin + performance.now()

const heard = (message: string, fields: LogFields = {}) => {
  if (message !== 'the switch has confirmed') return
  const { added, changed, deleted } = fields as Record<string, number>
  send({ changed: { at: now(), added: added!, changed: changed!, deleted: deleted! } })
}
const told = (message: string, fields: LogFields = {}) => {
  const { err } = fields
  process.stderr.write(`${message} ${err instanceof Error ? err.message : ''}\n`)
}
const log: Log = { debug: heard, info: heard, notice() {}, warn: told, error: told, with: () => log }

process.on('message', ({ ask }: ToDaemon) => {
  if (ask === 'collect') global.gc?.()
  const { user, system } = process.cpuUsage()
  send({ usage: { cpu: user + system, rss: process.memoryUsage.rss(), stall: delay.max / 1e6 - RESOLUTION } })
  delay.reset()
})

const config = JSON.parse(process.argv[2]!) as DirectorConfig
await runDirector(config, log, { onConfirmed: () => send({ passed: now() }) })
process.exit(0)
