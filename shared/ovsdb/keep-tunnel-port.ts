import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../run/clock.ts'
import type { OvsdbClient } from './connection.ts'
import { ensureTunnelPort, removeTunnelPort, type TunnelPort } from './tunnel-port.ts'

export interface TunnelPortKeeper {
  /** Checks the port, now or after the present check, because the database has changed. */
  check(): void
  /** Why there is no such port, in words for the operator; undefined while there is one. */
  readonly problem: string | undefined
  /** Removes the port if it is ours, and stops checking (teardown). */
  remove(): Promise<boolean>
  /** Starts checking again after `remove`. */
  resume(): void
  close(): void
}

export interface KeepTunnelPortOptions {
  readonly client: OvsdbClient
  readonly port: Omit<TunnelPort, 'localIp'>
  /** Address of this end in the underlay now; undefined: it is not known, and a port that is there stays as it is. */
  localIp(): string | undefined
  readonly log: Log
  readonly clock: Clock
  /** `problem` has changed. */
  onChange(): void
}

const RETRY_MS = 2000

/**
 * Keeps the tunnel port in the database (level-triggered): whoever removes it, it comes back. The port outlives this process, as
 * flows do.
 */
export function keepTunnelPort({
  client,
  port,
  localIp,
  log,
  clock,
  onChange,
}: KeepTunnelPortOptions): TunnelPortKeeper {
  let problem: string | undefined = `tunnel port ${port.name} has not been looked for yet`
  let stopped = false
  let again = false
  let looking: Promise<void> | undefined
  let cancel = () => {}

  const settle = (next: string | undefined) => {
    if (next === problem) return
    problem = next
    onChange()
  }
  const look = async () => {
    const local = localIp()
    if (local === undefined) return settle(`tunnel port ${port.name} waits for the address of this end`)
    try {
      const outcome = await ensureTunnelPort(client, { ...port, localIp: local })
      if (outcome !== 'found') log.notice(`tunnel port ${port.name} ${outcome}`, { type: port.type, local })
      settle(undefined)
    } catch (err) {
      if (stopped) return
      const message = messageOf(err)
      if (message !== problem) log.error('there is no tunnel port', { err })
      settle(message)
      cancel()
      cancel = clock.after(RETRY_MS, check)
    }
  }
  const check = () => {
    if (stopped) return
    if (looking !== undefined) {
      again = true
      return
    }
    again = false
    looking = look().finally(() => {
      looking = undefined
      if (again) check()
    })
  }
  const stop = () => {
    stopped = true
    cancel()
  }
  return {
    check,
    get problem() {
      return problem
    },
    remove: async () => {
      stop()
      await looking
      return removeTunnelPort(client, port)
    },
    resume: () => {
      stopped = false
      check()
    },
    close: stop,
  }
}
