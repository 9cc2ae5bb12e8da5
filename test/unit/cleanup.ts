import test, { type ExecutionContext } from 'ava'
import { type Cleanup, tempDir as makeTempDir } from '../segment/cleanup.ts'

type Test = Pick<ExecutionContext, 'teardown'>

export const cleanupOf = (t: Test): Cleanup => ({ defer: end => t.teardown(end) })

/** A directory that goes with the test, after all that it takes down later. */
export const tempDir = (t: Test): string => makeTempDir(cleanupOf(t))

/** What the tests of a file share goes after the last of them. */
export function fileCleanup(): Cleanup {
  const stack = new AsyncDisposableStack()
  test.after.always(() => stack.disposeAsync())
  return stack
}
