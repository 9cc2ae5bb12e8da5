import { controlClient } from '../../shared/rpc/client.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { createStatusReader } from '../../shared/rpc/status.ts'
import { patience } from './datapath.ts'

/** Follows a daemon's status on its control socket. */
export interface StatusWatch {
  readonly latest: Status__Output | undefined
  /** The first status, present or future, that `accept` accepts. */
  until(what: string, accept: (status: Status__Output) => boolean, timeoutMs?: number): Promise<Status__Output>
  /** The next status. */
  next(): Promise<Status__Output>
  close(): void
}

export function watchStatus(socket: string): StatusWatch {
  const client = controlClient(socket)
  const call = client.Watch({})
  const waiting = new Set<(status: Status__Output) => void>()
  let latest: Status__Output | undefined
  const add = createStatusReader()
  call.on('data', (piece: Status__Output) => {
    const status = add(piece)
    if (status === undefined) return
    latest = status
    for (const look of [...waiting]) look(status)
  })
  // The daemon's end is reported by whatever waits for it.
  call.on('error', () => {})
  return {
    get latest() {
      return latest
    },
    until: (what, accept, timeoutMs = patience(60_000)) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(new Error(`${what}: not within ${timeoutMs / 1000} s; last problems: ${problems(latest)}`))
        }, timeoutMs)
        const look = (status: Status__Output) => {
          if (!accept(status)) return
          clearTimeout(timer)
          waiting.delete(look)
          resolve(status)
        }
        waiting.add(look)
        if (latest !== undefined) look(latest)
      }),
    next: () =>
      new Promise(resolve => {
        const look = (status: Status__Output) => {
          waiting.delete(look)
          resolve(status)
        }
        waiting.add(look)
      }),
    close: () => {
      call.cancel()
      client.close()
    },
  }
}

function problems(status: Status__Output | undefined): string {
  if (status === undefined) return 'it has never answered'
  return status.problems.map(problem => `${problem.subject}: ${problem.message}`).join('; ') || 'none'
}

/** Number of ready real servers of a service at this daemon. */
export function readyCount(status: Status__Output, service: string): number {
  const found = status.services.find(candidate => candidate.service === service)
  return found?.realServers.filter(server => server.state === 'ready').length ?? 0
}
