import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { ServicesSnapshot } from '../../../shared/config/snapshot.ts'
import { type WatchServicesOptions, watchServices } from '../../../shared/config/watch.ts'
import type { Log } from '../../../shared/log.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { tempDir } from '../cleanup.ts'

export const doc = (service: string, port: number) =>
  `service: ${service}\nvip: 10.10.1.100\nport: ${port}\nrealServers: [{vm: ${service}, port: 8080}]\n`

/** A directory, its watch, and a function that waits for an expected snapshot. */
export function start(
  t: ExecutionContext,
  options: Partial<WatchServicesOptions> & { make?: (dir: string) => void } = {},
) {
  const root = tempDir(t)
  const dir = join(root, 'services.d')
  if (options.make) options.make(dir)
  else mkdirSync(dir)
  const waiting = new Set<() => void>()
  const logged: string[] = []
  let changes = 0
  const seen: ServicesSnapshot[] = []
  const line = (message: string, fields?: { err?: unknown }) => {
    logged.push(fields?.err instanceof Error ? `${message}: ${fields.err.message}` : message)
  }
  const log: Log = { debug: line, info: line, notice: line, warn: line, error: line, with: () => log }
  // The timer never fires, so every reading comes from an event.
  const watch = watchServices({
    log,
    clock: systemClock,
    settleMs: 20,
    writeMs: 100,
    rereadMs: 3_600_000,
    ...options,
    dir,
    onChange: snapshot => {
      changes++
      seen.push(snapshot)
      for (const wake of waiting) wake()
    },
  })
  t.teardown(() => watch.close())
  const until = async (ok: (snapshot: ServicesSnapshot) => boolean) => {
    while (!ok(watch.snapshot())) {
      await new Promise<void>(resolve => {
        const wake = () => {
          waiting.delete(wake)
          resolve()
        }
        waiting.add(wake)
      })
    }
    return watch.snapshot()
  }
  const untilServices = (...names: string[]) =>
    until(({ synced, specs }) => synced && specs.map(({ service }) => service).join() === names.join())
  const write = (name: string, text: string) => writeFileSync(join(dir, name), text)
  /** `seen`: every snapshot so far. */
  return { root, dir, watch, until, untilServices, write, logged, seen, changes: () => changes }
}
