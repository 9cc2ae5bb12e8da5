import { statSync } from 'node:fs'

export const AGENT_SOCKET = '/run/crossport/agent.sock'
export const DIRECTOR_SOCKET = '/run/crossport/director.sock'

/** The sockets to ask: those given, or those of the two daemons that are there. Empty: no daemon runs here. */
export function chosenSockets(given: readonly string[] | undefined): readonly string[] {
  return given ?? [AGENT_SOCKET, DIRECTOR_SOCKET].filter(isThere)
}

/** One in a directory that this user may not pass counts, too: the daemon's answer is then that they may not ask. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}

export const NO_DAEMON =
  `no crossport daemon runs on this machine (neither ${AGENT_SOCKET} nor ${DIRECTOR_SOCKET} is there); ` +
  'start one with: systemctl start crossport-agent\n'
