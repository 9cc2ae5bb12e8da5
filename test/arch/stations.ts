import { AGENT } from './stations-agent.ts'
import { DIRECTOR } from './stations-director.ts'

/**
 * The stations of each daemon, lowest first. A station is a folder right under the daemon's own, with all that is in it, or a
 * file right under it. It imports only what is in lower rows, nothing of its own row.
 */
export const STATIONS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  agent: AGENT,
  director: DIRECTOR,
}
