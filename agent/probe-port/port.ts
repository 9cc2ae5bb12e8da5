import type { Log } from '../../shared/log.ts'
import { connectOvsdb } from '../../shared/ovsdb/connection.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createDirtyLoop } from '../../shared/run/dirty-loop.ts'
import type { PortsSnapshot } from '../ports/types.ts'
import { addPort, removePort } from './database.ts'
import { setUpDevice } from './device.ts'
import type { ProbePortOptions, ProbePortState } from './types.ts'

export interface ProbePort {
  /** Takes the bridge's ports, and whether the probe port is wanted; level-triggered, from the newest snapshot. */
  set(wanted: boolean, ports: PortsSnapshot): void
  readonly state: ProbePortState
  /** Checks the port again, because sending through it has failed. */
  suspect(): void
  close(): Promise<void>
}

export interface CreateProbePortOptions extends ProbePortOptions {
  readonly ovsdbSocket: string
  readonly log: Log
  readonly clock: Clock
  onChange(): void
}

/**
 * Keeps the internal port `name` on the bridge, and its device ready, while health checks need it. A restarted vswitchd makes a
 * new device. Removes the port when no check needs it any more.
 */
export function createProbePort(options: CreateProbePortOptions): ProbePort {
  const { name, address, log, clock, onChange } = options
  let wanted = false
  let present = false
  let connected = false
  let seen = ''
  let client: ReturnType<typeof connectOvsdb> | undefined
  let ofport: number | undefined
  let obstacle: string | undefined = 'the probe port is being made'

  const become = (next: string | undefined) => {
    if (next === obstacle) return
    obstacle = next
    onChange()
  }

  const database = () => {
    if (client !== undefined) return client
    client = connectOvsdb({ socket: options.ovsdbSocket, log, clock })
    client.follow({
      up: () => {
        connected = true
        loop.mark('ovsdb up')
      },
      down: () => {
        connected = false
      },
    })
    return client
  }

  const act = async () => {
    if (!wanted && !present) return
    const ovsdb = database()
    // The connection, once made, marks the loop.
    if (!connected) return
    try {
      if (!wanted) {
        if (await removePort(ovsdb, options)) log.info(`probe port ${name} removed: no health check needs it`)
        return
      }
      if (await addPort(ovsdb, options)) log.info(`probe port ${name} added to the bridge`)
      if (ofport === undefined) return become(`Open vSwitch has not opened port ${name} yet`)
      if (await setUpDevice(name, address)) log.info(`probe port ${name} is up`, { address })
      become(undefined)
    } catch (err) {
      const { message } = err as Error
      if (message !== obstacle) log.warn('health checks cannot be sent; the agent tries again', { err })
      become(message)
      throw err
    }
  }
  const quiet = { ...log, warn: log.debug }
  const loop = createDirtyLoop({ clock, log: quiet, act, retryMinMs: 500 })

  return {
    set: (nowWanted, ports) => {
      const port = ports.ports.find(port => port.name === name)
      const signature = JSON.stringify([nowWanted, port?.ofport, port?.linkUp, port?.macInUse, port?.error])
      wanted = nowWanted
      present = port !== undefined
      const opened = port?.ofport !== undefined && port.ofport > 0 ? port.ofport : undefined
      if (opened === undefined && ofport !== undefined) obstacle = `Open vSwitch has closed port ${name}`
      ofport = opened
      if (signature === seen) return
      seen = signature
      loop.mark('probe port')
    },
    get state() {
      return { obstacle }
    },
    suspect: () => loop.mark('probe port suspected'),
    close: async () => {
      await loop.stop()
      client?.close()
    },
  }
}
