import { mkdir } from 'node:fs/promises'
import { type DirectorConfig, directorConfigSchema } from '../../director/config.ts'
import { runDirector } from '../../director/run.ts'
import type { Log } from '../../shared/log.ts'
import { type OpenVswitch, startOpenVswitch } from './open-vswitch.ts'
import type { Segment, Space } from './segment.ts'

export const DIRECTOR_MAC = '02:00:00:00:01:00'

export interface DirectorSwitch extends OpenVswitch {
  readonly space: Space
}

export interface SwitchOptions {
  /** Options of the uplink (ovs-vswitchd.conf.db(5), table Interface). */
  readonly uplink?: readonly string[]
}

/** The bridge br0, which forwards like a plain switch, with its one port `uplink0` on the segment. */
export async function startDirectorSwitch(
  segment: Segment,
  { uplink = [] }: SwitchOptions = {},
): Promise<DirectorSwitch> {
  const space = await segment.plug('uplink0', 50)
  await space.run('ip address flush dev uplink0')
  const { cleanup, dir } = segment
  const ovs = await startOpenVswitch(cleanup, { namespace: space, dir, mac: DIRECTOR_MAC })
  const set = uplink.length === 0 ? [] : ['--', 'set', 'Interface', 'uplink0', ...uplink]
  await ovs.vsctl('add-port', 'br0', 'uplink0', ...set)
  await ovs.ofctl(['add-flow', 'priority=0,actions=NORMAL'])
  return { ...ovs, space }
}

/** Configuration of a director in the segment's directory, where its switch is. `more`: further keys of director.yaml. */
export async function directorConfig(dir: string, more: Record<string, unknown> = {}): Promise<DirectorConfig> {
  await mkdir(`${dir}/services.d`, { recursive: true })
  return directorConfigSchema.parse({
    bridge: 'br0',
    uplink: 'uplink0',
    id: 'd1',
    listen: `unix:${dir}/agents.sock`,
    servicesDir: `${dir}/services.d`,
    stateFile: `${dir}/director.db`,
    controlSocket: `${dir}/director.sock`,
    ovsdbSocket: `${dir}/db.sock`,
    ovsRunDir: dir,
    ...more,
  })
}

/** Runs a director in this process. Resolves when it is ready, with a function that stops it. */
export async function startDirector(config: DirectorConfig, log: Log): Promise<() => Promise<void>> {
  const stopping = new AbortController()
  let ended: Promise<void> | undefined
  await new Promise<void>((resolve, reject) => {
    ended = runDirector(config, log, { signal: stopping.signal, onReady: () => resolve() })
    ended.catch(reject)
  })
  return async () => {
    stopping.abort()
    await ended
  }
}
