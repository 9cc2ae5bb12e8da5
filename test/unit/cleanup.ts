import test, { type ExecutionContext } from 'ava'
import { type Cleanup, tempDir as makeTempDir } from '../segment/cleanup.ts'

type Test = Pick<ExecutionContext, 'teardown'>

export const cleanupOf = (t: Test): Cleanup => ({ defer: end => t.teardown(end) })

/** A directory that is removed with the test, after its later teardowns. */
export const tempDir = (t: Test): string => makeTempDir(cleanupOf(t))

/** Removes what the tests of a file share after the last of them. */
export function fileCleanup(): Cleanup {
  const stack = new AsyncDisposableStack()
  test.after.always(() => stack.disposeAsync())
  return stack
}
