/** Counts the tests in the report of one ava run (its default reporter, because the TAP reporter dies of a timeout). */
export interface AvaCounter {
  line(line: string): void
  /** Failures outside of a test (exceptions, hooks, pending tests) count as failed, too. */
  counts(): { passed: number; failed: number }
}

const FAILURES =
  /^ {2}(\d+) (tests? failed|hooks? failed|unhandled rejections?|uncaught exceptions?|tests? remained pending after a timeout)$/

export function makeAvaCounter(): AvaCounter {
  let passed = 0
  let failed = 0
  return {
    line: line => {
      if (/^ {2}✔ /.test(line)) passed++
      const failure = FAILURES.exec(line)
      if (failure !== null) failed += Number(failure[1])
    },
    counts: () => ({ passed, failed }),
  }
}
