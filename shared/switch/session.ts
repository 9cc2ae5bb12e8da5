import { CrossportError } from '../errors.ts'
import type { Owner } from '../flows/cookie.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'
import { keepConnected } from '../run/keep-connected.ts'
import { LOCAL_RECONNECT, type ReconnectOptions } from '../run/reconnect.ts'
import { commitChange } from './commit.ts'
import { connectOpenFlow, type OpenFlowConnection } from './connection.ts'
import { deleteMeter, setMeter } from './meter.ts'
import { createDriftWatch } from './monitor.ts'
import { sendPacket, wantPackets } from './packet.ts'
import { readFlowStats, readGroupStats, readInstalled, readPackets, readPorts } from './read.ts'
import type { Session } from './request.ts'
import type { Switch, SwitchHandlers } from './types.ts'
import { createUnsolicited } from './unsolicited.ts'

export type { GroupStats, PacketIn, PacketOut, Switch, SwitchHandlers, SwitchPort } from './types.ts'

export interface SwitchOptions {
  readonly bridge: string
  readonly owner: Owner
  /** Directory of ovs-vswitchd's `<bridge>.mgmt` sockets. Default /var/run/openvswitch. */
  readonly rundir?: string
  readonly log: Log
  readonly clock: Clock
  readonly handlers: SwitchHandlers
  readonly reconnect?: ReconnectOptions
}

/**
 * Opens a session with one bridge, and reconnects by itself until it is closed. Agent and director may both have one on the same
 * bridge; each reads, changes and deletes only its own flows and groups.
 */
export function openSwitch(options: SwitchOptions): Switch {
  const { bridge, owner, clock, handlers, rundir = '/var/run/openvswitch' } = options
  const log = options.log.with({ bridge })
  const path = `${rundir}/${bridge}.mgmt`
  const watch = createDriftWatch(owner, handlers)
  const unsolicited = createUnsolicited(watch, handlers, log)
  let state: Switch['state'] = 'connecting'
  let bundles = 0
  let lastCommit: Promise<unknown> = Promise.resolve()
  let closed = false

  const sessionOf = (connection: OpenFlowConnection): Session => ({
    connection,
    clock,
    drop: reason => {
      if (kept.current === connection) kept.drop(reason)
      else connection.destroy()
    },
  })

  const kept = keepConnected<OpenFlowConnection>({
    ...LOCAL_RECONNECT,
    ...options.reconnect,
    clock,
    connect: async (events, signal) => {
      const connection = await connectOpenFlow({ path, log, events, signal, unsolicited })
      const session = sessionOf(connection)
      if (handlers.onPacketIn !== undefined) wantPackets(session)
      await watch.start(session)
      return connection
    },
    onUp: () => {
      state = 'up'
      log.info(`connected to bridge ${bridge}`)
      handlers.onUp()
    },
    onDown: reason => {
      state = 'down'
      log.warn(`lost bridge ${bridge}: ${reason}`)
      handlers.onDown(reason)
    },
    onFailure: (err, retryMs) => {
      // Logged as a warning once per outage; further attempts would only fill the journal.
      const level = state === 'connecting' ? 'warn' : 'debug'
      state = 'down'
      log[level](`bridge ${bridge} cannot be reached, trying again in ${retryMs} ms`, { err })
    },
  })

  const current = (): Session => {
    if (kept.current === undefined)
      throw new CrossportError('SWITCH_DOWN', `no connection to bridge ${bridge}`, { fields: { BRIDGE: bridge } })
    return sessionOf(kept.current)
  }

  return {
    get state() {
      return state
    },
    readInstalled: async (known = () => false) => readInstalled(current(), owner, known),
    commit: change => {
      const mine = lastCommit.then(() => {
        bundles = (bundles % 0x7fffffff) + 1
        return commitChange(current(), owner, bundles, change)
      })
      lastCommit = mine.catch(() => {})
      return mine
    },
    readGroupStats: async () => readGroupStats(current(), owner),
    readFlowStats: async filter => readFlowStats(current(), owner, filter),
    readPackets: async filter => readPackets(current(), owner, filter),
    readPorts: async () => readPorts(current()),
    setMeter: async meter => setMeter(current(), meter),
    deleteMeter: async id => deleteMeter(current(), id),
    packetOut: async packet => sendPacket(current(), packet),
    close: async () => {
      if (closed) return
      closed = true
      state = 'down'
      kept.close()
    },
  }
}
