import { readFileSync } from 'node:fs'
import path from 'node:path'
import { answers } from '../../shared/rpc/socket.ts'
import { patience } from './datapath.ts'
import type { DaemonRole } from './identity.ts'
import { root } from './paths.ts'
import type { LabProcess, Place } from './place.ts'

/** Extra keys for the daemon's configuration file, flat; undefined takes one out that the lab sets. */
export type DaemonConfig = Readonly<Record<string, unknown>>
/** Extra environment variables of the daemon. */
export type DaemonEnv = Readonly<Record<string, string>>

export const CONTROL_SOCKETS = { agent: '/run/crossport/agent.sock', director: '/run/crossport/director.sock' } as const

/** Configuration of an RS host's agent. */
export const agentConfig = (hostIp: string, director: string, config: DaemonConfig = {}): DaemonConfig => {
  return { bridge: 'br0', uplink: 'uplink0', director, hostIp, ...config }
}

export const directorConfig = (config: DaemonConfig = {}): DaemonConfig => {
  return { bridge: 'br0', uplink: 'uplink0', listen: '0.0.0.0:7473', ...config }
}

export async function writeConfig(host: Place, role: DaemonRole, config: DaemonConfig): Promise<void> {
  const given = Object.entries(config).filter(([, value]) => value !== undefined)
  const yaml = given.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  await host.writeFile(`/etc/crossport/${role}.yaml`, yaml.join(''))
}

/** Starts a daemon whose configuration is there; resolves once its control socket answers. */
export async function startDaemon(host: Place, role: DaemonRole, env: DaemonEnv = {}): Promise<LabProcess> {
  // A killed daemon leaves its socket behind.
  const socket = CONTROL_SOCKETS[role]
  await host.exec(['rm', '-f', socket])
  const argv = [process.execPath, path.join(root, role, 'main.ts'), '--config', `/etc/crossport/${role}.yaml`]
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
