import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { createReporter } from '../../../agent/report/reporter.ts'
import { controlClient } from '../../../shared/rpc/client.ts'
import { readStatus } from '../../../shared/rpc/status.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startChild } from '../../segment/cleanup.ts'
import { cleanupOf } from '../cleanup.ts'
import { reported } from '../registry/fixture.ts'
import { memoryLog } from '../run/memory-log.ts'
import { networkForFile, VIP } from './network.ts'
import { directory } from './running.ts'

const prepared = networkForFile({ hosts: 0, ports: 0 })
/** A thousand take a busy machine minutes: CROSSPORT_HOSTS=1000 npx ava test/unit/director/storm.test.ts */
const HOSTS = Number(process.env.CROSSPORT_HOSTS ?? 300)
/** The machine may be busy with other tests. */
const PATIENT = () => ({ deadline: Date.now() + 60_000 })

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A director process, until it says that it has started. */
async function startProcess(t: ExecutionContext, file: string) {
  const main = fileURLToPath(new URL('../../../director/main.ts', import.meta.url))
  const child = startChild(cleanupOf(t), [process.execPath, main, '--config', file], { output: 'pipe' })
  let said = ''
  for (const output of [child.stdout!, child.stderr!]) output.on('data', chunk => (said += String(chunk)))
  while (!/started/.test(said)) {
    if (child.exitCode !== null) throw new Error(said)
    await delay(20)
  }
  return { child, said: () => said }
}

test.serial(
  'hundreds of hosts come back at once after a restart of their director, and its status is answered meanwhile',
  async t => {
    t.timeout(400_000)
    const network = await prepared(t)
    const dir = await directory(t)
    const port = await freePort()
    const [file, socket] = [`${dir}/director.yaml`, `${dir}/director.sock`]
    writeFileSync(
      `${dir}/services.d/web.yaml`,
      `service: web\nvip: ${VIP}\nport: 80\nrealServers: [{ vm: web-*, port: 8080 }]\n`,
    )
    const lines = [
      ...['bridge: br0', 'uplink: uplink0', 'id: d1', `listen: 127.0.0.1:${port}`, `servicesDir: ${dir}/services.d`],
      ...[`stateFile: ${dir}/director.db`, `controlSocket: ${socket}`, 'leaseMs: 60000'],
      ...[`ovsdbSocket: ${network.rundir}/db.sock`, `ovsRunDir: ${network.rundir}`],
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    const first = await startProcess(t, file)

    const registered = new Set<number>()
    const reporters = Array.from({ length: HOSTS }, (_, n) =>
      createReporter({
        address: `127.0.0.1:${port}`,
        identity: {
          ...{ hostId: `rs${n}`, hostIp: '', version: '1' },
          hostMac: `02:00:00:01:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`,
        },
        ...{ log: memoryLog(), clock: systemClock },
        handlers: {
          ...{ onDirector: () => {}, onServices: () => {} },
          onState: state => (state === 'registered' ? registered.add(n) : registered.delete(n)),
        },
      }),
    )
    t.teardown(() => Promise.all(reporters.map(reporter => reporter.close())))
    for (const [n, reporter] of reporters.entries()) reporter.update([reported(`web/web-${n}`, { vm: `web-${n}` })])
    while (registered.size < HOSTS) await delay(50)

    first.child.kill('SIGTERM')
    await once(first.child, 'exit')
    while (registered.size > 0) await delay(20)
    const second = await startProcess(t, file)
    const begin = performance.now()
    const client = controlClient(socket)
    t.teardown(() => client.close())
    let [slowest, answers] = [0, 0]
    while (registered.size < HOSTS) {
      const asked = performance.now()
      await readStatus(client, PATIENT())
      answers++
      slowest = Math.max(slowest, performance.now() - asked)
    }
    t.log(
      `all back after ${Math.round(performance.now() - begin)} ms; the slowest status took ${Math.round(slowest)} ms`,
    )
    const { hosts } = await readStatus(client, PATIENT())
    t.true(answers > 0)
    t.is(hosts.filter(({ state }) => state === 'connected').length, HOSTS)
    t.notRegex(second.said(), /AGENT_SILENT|REGISTRATION_LIMIT|refused/)
  },
)
