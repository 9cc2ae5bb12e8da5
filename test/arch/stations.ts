import { AGENT } from './stations-agent.ts'
import { DIRECTOR } from './stations-director.ts'
import { SHARED } from './stations-shared.ts'

/**
 * The stations of each daemon, and of what both share, lowest first. A station is a folder directly under the daemon's, with
 * everything in it, or a file directly under the daemon's folder. It may import only stations of lower rows, and none of its
 * own row.
 */
export const STATIONS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  agent: AGENT,
  director: DIRECTOR,
  shared: SHARED,
}
