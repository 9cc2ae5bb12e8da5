import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { execa } from 'execa'
import { crossport as command } from '../../../cli/crossport.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { type Control, serveControl } from '../../../shared/rpc/control.ts'
import type { Status } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { tempDir } from '../cleanup.ts'

const main = fileURLToPath(new URL('../../../cli/crossport', import.meta.url))

/** Runs the command as operators do. */
export const run = (...args: string[]) => execa(main, args, { reject: false, stripFinalNewline: false })

/** Runs the command in this process. */
export async function crossport(...args: string[]) {
  const said = { stdout: '', stderr: '' }
  const io = { out: (text: string) => void (said.stdout += text), err: (text: string) => void (said.stderr += text) }
  const exitCode = await command(args, io)
  return { exitCode, ...said }
}

/** A daemon's control socket that returns this. */
export async function daemon(t: ExecutionContext, status: Status, more: Partial<Control> = {}): Promise<string> {
  const socket = join(tempDir(t), 'agent.sock')
  const control: Control = {
    getStatus: () => status,
    onChange: () => () => {},
    resync: async () => ({ flowsAdded: 1, flowsChanged: 2, flowsDeleted: 3 }),
    teardown: async () => ({ flowsDeleted: 12, vipsRemoved: 2 }),
    ...more,
  }
  const server = await serveControl({ socket, control, log: quiet })
  t.teardown(() => server.close())
  return socket
}
