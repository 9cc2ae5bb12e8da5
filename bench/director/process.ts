import { fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { dirname, join } from 'node:path'
import type { DirectorConfig } from '../../director/config.ts'
import { end } from '../../test/segment/cleanup.ts'
import { unitEnvironment, unitFlags } from '../unit-flags.ts'

export interface ToDaemon {
  readonly ask: 'usage' | 'collect'
}

/** Times are milliseconds of the wall clock, with fractions. */
export type FromDaemon = { readonly changed: Changed } | { readonly passed: number } | { readonly usage: Usage }

/** A bundle that the switch has confirmed: flows and groups. */
export interface Changed {
  readonly at: number
  readonly added: number
  readonly changed: number
  readonly deleted: number
}

export interface Usage {
  /** CPU time in microseconds since the start. */
  readonly cpu: number
  /** Bytes. */
  readonly rss: number
  /** The event loop's longest stall since the last call, ms. */
  readonly stall: number
}

export interface DirectorProcess {
  /** When the process was started. */
  readonly begun: number
  /** The first fitting event after this call. */
  changed(fits?: (change: Changed) => boolean): Promise<Changed>
  /** The first pass that ends after this call, whatever it did. */
  passed(): Promise<number>
  /** All changes so far. */
  readonly changes: readonly Changed[]
  usage(collect?: boolean): Promise<Usage>
  stop(): Promise<void>
}

export const wallNow = () => performance.timeOrigin + performance.now()

export function startDirectorProcess(config: DirectorConfig): DirectorProcess {
  const begun = wallNow()
  const child = fork(new URL('daemon.ts', import.meta.url), [JSON.stringify(config)], {
    execArgv: ['--expose-gc', ...unitFlags('director')],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, ...unitEnvironment('director', join(dirname(config.stateFile), 'compile-cache')) },
  })
  const events = new EventEmitter()
  const changes: Changed[] = []
  child.on('message', (message: FromDaemon) => {
    if ('changed' in message) changes.push(message.changed)
    for (const [name, value] of Object.entries(message)) events.emit(name, value)
  })
  const first = async <T>(name: string, fits: (value: T) => boolean = () => true): Promise<T> => {
    for (;;) {
      const [value] = (await once(events, name)) as [T]
      if (fits(value)) return value
    }
  }
  return {
    begun,
    changed: fits => first('changed', fits),
    passed: () => first('passed'),
    changes,
    usage: async collect => {
      const answer = first<Usage>('usage')
      child.send({ ask: collect === true ? 'collect' : 'usage' } satisfies ToDaemon)
      return answer
    },
    stop: () => end(child, 'SIGTERM'),
  }
}
