import type { Applied, Applier } from '../shared/apply/apply.ts'
import { CrossportError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/run/clock.ts'
import { createDirtyLoop, type DirtyLoop } from '../shared/run/dirty-loop.ts'
import { type Cells, missing } from './cells.ts'
import type { Outcome } from './outlets/types.ts'

export interface DirectorLoop extends DirtyLoop {
  /** From now on the loop acts; before, marks are only kept. */
  start(): void
  /** Compares everything with the switch, and resolves with what had to be changed. Rejects with NOT_IN_SYNC. */
  resync(): Promise<Applied>
  /** Removes everything of ours from the switch until `resync` or a restart. Rejects with NOT_IN_SYNC. */
  teardown(): Promise<Applied>
}

export interface DirectorLoopOptions {
  readonly cells: Cells
  readonly applier: Pick<Applier, 'distrust'>
  readonly log: Log
  readonly clock: Clock
  pass(): Promise<Outcome>
}

interface Asked {
  resolve(applied: Applied): void
  reject(error: unknown): void
}

/** The director's level-triggered loop. It does not act until it is started and all inputs are in sync. */
export function createDirectorLoop({ cells, applier, log, clock, pass }: DirectorLoopOptions): DirectorLoop {
  let asked: Asked[] = []
  let started = false

  /** A caller that asks for a pass gets the result of the first pass that starts after the request, even if it fails. */
  const act = async () => {
    const mine = asked
    asked = []
    try {
      const { applied } = await pass()
      for (const { resolve } of mine) resolve(applied)
    } catch (error) {
      for (const { reject } of mine) reject(error)
      cells.changed.publish()
      throw error
    }
  }

  const gate = () => {
    const what = started ? missing(cells) : 'the start of all parts'
    cells.waiting.set(what)
    return what
  }

  const run = async (reason: string, tornDown: boolean) => {
    const what = missing(cells)
    if (what !== undefined) throw new CrossportError('NOT_IN_SYNC', `cannot ${reason}: waiting for ${what}`)
    cells.tornDown.set(tornDown)
    applier.distrust({ retryRefused: true })
    return new Promise<Applied>((resolve, reject) => {
      asked.push({ resolve, reject })
      loop.mark(reason)
    })
  }

  const loop = createDirtyLoop({ clock, log, act, gate })
  // Not spread, because the loop's state is read by getters.
  return Object.assign(loop, {
    start: () => {
      started = true
      loop.mark('start')
    },
    resync: () => run('resync', false),
    teardown: () => run('tear down', true),
  })
}
