import type { Cells } from './cells.ts'
import type { Outcome } from './outcome.ts'
import type { AgentOutlets } from './outlets/outlets.ts'
import type { Pass } from './pass.ts'

export interface ReconcileOptions {
  readonly pass: Pass
  readonly cells: Pick<Cells, 'outcome' | 'passed'>
  readonly outlets: Pick<AgentOutlets, 'tell'>
}

/**
 * Runs one pass, and hands its outcome to all outlets. Throws the error that has kept the pass or an outlet from completing. The
 * loop then calls it again: the next pass relies on nothing from before, and its outlets get every real server.
 */
export function createReconcile({ pass, cells, outlets }: ReconcileOptions): () => Promise<Outcome> {
  let complete = false
  return async () => {
    const whole = !complete
    complete = false
    try {
      const outcome = await pass({ whole })
      cells.outcome.set(outcome)
      const errors = outlets.tell(outcome)
      if (outcome.failure !== undefined) throw outcome.failure.error
      if (errors.length > 0) throw errors[0]
      complete = true
      return outcome
    } finally {
      cells.passed.publish()
    }
  }
}
