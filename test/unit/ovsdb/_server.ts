import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ExecutionContext } from 'ava'
import { quiet } from '../../../shared/log/quiet.ts'
import { connectOvsdb, type OvsdbClient } from '../../../shared/ovsdb/connection.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { tempDir } from '../cleanup.ts'

const run = promisify(execFile)
export const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

export interface TestServer {
  readonly dir: string
  readonly socket: string
  /** Changes the database as an operator does; returns what ovs-vsctl prints. */
  vsctl(...args: string[]): Promise<string>
  client(...args: string[]): Promise<string>
  stop(): Promise<void>
  start(): Promise<void>
}

/** A real ovsdb-server on a database in a temporary directory; it always ends with the test. */
export async function startServer(t: Pick<ExecutionContext, 'teardown'>): Promise<TestServer> {
  const dir = tempDir(t)
  const socket = join(dir, 'db.sock')
  const database = join(dir, 'conf.db')
  let child: ChildProcess | undefined

  const vsctl = async (...args: string[]) =>
    (await run('ovs-vsctl', [`--db=unix:${socket}`, '--timeout=20', '--retry', '--no-wait', ...args])).stdout
  const start = async () => {
    const args = [database, `--remote=punix:${socket}`, `--unixctl=${join(dir, 'ctl')}`, '-vconsole:off']
    // The kernel ends it when the test process dies without its teardown.
    child = spawn('setpriv', ['--pdeathsig', 'KILL', 'ovsdb-server', ...args], { stdio: 'ignore' })
    await vsctl('init')
  }
  const stop = async () => {
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill()
    child = undefined
    await ended
  }

  t.teardown(stop)
  await run('ovsdb-tool', ['create', database, SCHEMA])
  await start()
  return { dir, socket, vsctl, client: async (...args) => (await run('ovsdb-client', args)).stdout, stop, start }
}

/** A client of the server, once its session is up; ends with the test. */
export async function connected(t: Pick<ExecutionContext, 'teardown'>, { socket }: TestServer): Promise<OvsdbClient> {
  const client = connectOvsdb({ socket, log: quiet, clock: systemClock })
  t.teardown(() => client.close())
  await new Promise<void>(up => client.follow({ up: () => up(), down() {} }))
  return client
}
