import type { Cells } from './cells.ts'
import type { Outcome } from './outcome.ts'
import type { Pass } from './pass.ts'

export interface ReconcileOptions {
  readonly pass: Pass
  readonly cells: Pick<Cells, 'outcome' | 'passed'>
}

/**
 * One pass, whose outcome all outlets take. Throws what has kept it from being complete, in the pass or in an outlet, and is
 * then called again: the next pass takes nothing for granted, and its outlets are told of every real server.
 */
export function createReconcile({ pass, cells }: ReconcileOptions): () => Promise<Outcome> {
  let complete = false
  return async () => {
    const whole = !complete
    complete = false
    try {
      const outcome = await pass({ whole })
      cells.outcome.set(outcome)
      if (outcome.failure !== undefined) throw outcome.failure.error
      complete = true
      return outcome
    } finally {
      cells.passed.publish()
    }
  }
}
