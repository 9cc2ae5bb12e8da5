import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type FakeCall, type FakeLibvirtd, type Handlers, serveFakeLibvirtd } from '../../segment/fake-libvirtd.ts'
import { cleanupOf, tempDir } from '../cleanup.ts'

export type { FakeCall } from '../../segment/fake-libvirtd.ts'

/** A fake libvirtd on a socket of its own, until the test has ended. */
export function fakeLibvirtd(
  t: Pick<ExecutionContext, 'teardown'>,
  handle: (call: FakeCall) => void,
  greeting: Handlers = {},
): Promise<FakeLibvirtd> {
  return serveFakeLibvirtd(cleanupOf(t), join(tempDir(t), 'sock'), handle, greeting)
}
