import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { agentConfigSchema } from '../../../agent/config/schema.ts'
import { runAgent } from '../../../agent/run.ts'
import { tempDir } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'

/** Of a host that has neither Open vSwitch nor libvirt. */
function configIn(t: ExecutionContext) {
  const dir = tempDir(t)
  const at = (name: string) => join(dir, name)
  const config = agentConfigSchema.parse({
    bridge: 'br0',
    uplink: 'uplink0',
    servicesDir: at('services.d'),
    stateFile: at('agent.db'),
    controlSocket: at('agent.sock'),
    ovsRunDir: dir,
    ovsdbSocket: at('db.sock'),
    libvirtSocket: at('libvirt.sock'),
  })
  return { config, at }
}

test('an agent does not touch the state file of one that runs here already', async t => {
  const { config } = configIn(t)
  const other = createServer().listen(config.controlSocket)
  t.teardown(() => other.close())
  await t.throwsAsync(runAgent(config, memoryLog()), { code: 'RPC_LISTEN' })
  t.false(existsSync(config.stateFile))
})

test('the control socket stops first, then the loop, and then all that the loop works on', async t => {
  const { config } = configIn(t)
  const log = memoryLog()
  const { promise, resolve } = Promise.withResolvers<void>()
  const debug = (message: string) => {
    log.debug(message)
    if (message === 'starting control socket') resolve()
  }
  const done = runAgent(config, { ...log, debug, with: () => log })
  await promise
  process.emit('SIGTERM', 'SIGTERM')
  await done
  const stopped = log.lines.flatMap(({ message }) => (message.startsWith('stopping ') ? message.slice(9) : []))
  t.deepEqual(stopped.slice(0, 2), ['control socket', 'reconcile loop'])
  for (const part of ['guests', 'health checks', 'reports', 'registration', 'memory', 'switch', 'state file'])
    t.true(stopped.indexOf(part) > 1, part)
})
