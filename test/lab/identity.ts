import { existsSync } from 'node:fs'
import path from 'node:path'
import { root } from './paths.ts'
import type { Place } from './place.ts'

/* How the machines of a lab come by their certificates: by the commands that an operator gives. */

const PAIR = { agent: '/etc/crossport/pki/agent.pem', director: '/etc/crossport/pki/director.pem' } as const

export type DaemonRole = keyof typeof PAIR

/** A director whose machine has the CA's key, while it runs. */
export interface Admission {
  readonly place: Place
  /** What others reach it at. */
  readonly address: string
}

export const hasIdentity = (place: Place, role: DaemonRole): boolean => existsSync(place.path(PAIR[role]))

/** `crossport-agent ARGS…` or `crossport-director ARGS…`, on its own machine. Resolves with what it prints. */
export async function daemonCommand(place: Place, role: DaemonRole, ...args: string[]): Promise<string> {
  const { stdout } = await place.exec([path.join(root, 'cli', `crossport-${role}`), ...args])
  return stdout
}

/** Makes the first director's machine the one that issues certificates. */
export async function init(place: Place): Promise<void> {
  if (!hasIdentity(place, 'director')) await daemonCommand(place, 'director', 'init')
}

/** Lets a host, or a further director, into the fleet. Its configuration is there already. */
export async function join(place: Place, role: DaemonRole, { place: director, address }: Admission): Promise<void> {
  if (hasIdentity(place, role)) return
  const whom = role === 'agent' ? ['--host', place.name] : ['--director', place.name]
  const token = await daemonCommand(director, 'director', 'token', ...whom)
  await daemonCommand(place, role, 'join', address, token.trim())
}
