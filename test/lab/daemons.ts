import { readFileSync } from 'node:fs'
import path from 'node:path'
import { answers } from '../../shared/rpc/socket.ts'
import { patience } from './datapath.ts'
import { root } from './paths.ts'
import type { LabProcess, Place } from './place.ts'

/** Extra keys for the daemon's configuration file, flat; undefined takes one out that the lab sets. */
export type DaemonConfig = Readonly<Record<string, unknown>>
/** Extra environment variables of the daemon. */
export type DaemonEnv = Readonly<Record<string, string>>

export const CONTROL_SOCKETS = { agent: '/run/crossport/agent.sock', director: '/run/crossport/director.sock' } as const

/** Starts the agent of an RS host; resolves once its control socket answers. */
export function startAgent(
  host: Place,
  hostIp: string,
  director: string,
  config: DaemonConfig = {},
  env: DaemonEnv = {},
): Promise<LabProcess> {
  return startDaemon(host, 'agent', { bridge: 'br0', uplink: 'uplink0', director, hostIp, ...config }, env)
}

/** Starts the director; resolves once its control socket answers. */
export function startDirector(host: Place, config: DaemonConfig = {}, env: DaemonEnv = {}): Promise<LabProcess> {
  return startDaemon(host, 'director', { bridge: 'br0', uplink: 'uplink0', listen: '0.0.0.0:7473', ...config }, env)
}

async function startDaemon(
  host: Place,
  role: 'agent' | 'director',
  config: DaemonConfig,
  env: DaemonEnv,
): Promise<LabProcess> {
  const file = `/etc/crossport/${role}.yaml`
  const given = Object.entries(config).filter(([, value]) => value !== undefined)
  const yaml = given.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  await host.writeFile(file, yaml.join(''))
  // A killed daemon leaves its socket behind.
  const socket = CONTROL_SOCKETS[role]
  await host.exec(['rm', '-f', socket])
  const argv = [process.execPath, path.join(root, role, 'main.ts'), '--config', file]
  const daemon = await host.spawn(argv, { name: role, env })
  let ended: number | undefined
  daemon.exited.then(code => (ended = code))
  const deadline = performance.now() + patience(30_000)
  // A socket is bound, and visible, before it is listened to.
  while (!(await answers(host.path(socket)))) {
    if (ended !== undefined) {
      const last = readFileSync(daemon.log, 'utf8').trimEnd().split('\n').at(-1)
      throw new Error(`${host.name}: the ${role} has ended with ${ended}; see ${daemon.log}: ${last}`)
    }
    if (performance.now() > deadline)
      throw new Error(`${host.name}: the ${role} has not opened ${socket}; see ${daemon.log}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return daemon
}
