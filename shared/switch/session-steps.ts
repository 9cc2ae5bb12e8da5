import type { Log } from '../log.ts'

/** Steps that each session with a vswitchd needs once, and that may fail without harm to the rest. */
export interface SessionSteps {
  /**
   * Runs `step` unless one with this key has run in this session. A failure is logged as `failure` and not retried, because a
   * vswitchd that does not know a command will not learn it.
   */
  once(key: string, step: () => Promise<unknown>, failure: string, fields?: Record<string, unknown>): Promise<void>
  /** Makes all steps due again: the switch may be another vswitchd by now. */
  distrust(): void
}

export function createSessionSteps(log: Log): SessionSteps {
  const done = new Set<string>()
  return {
    once: async (key, step, failure, fields = {}) => {
      if (done.has(key)) return
      done.add(key)
      await step().catch((err: unknown) => log.warn(failure, { ...fields, err }))
    },
    distrust: () => done.clear(),
  }
}
