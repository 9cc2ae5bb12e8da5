import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { execa } from 'execa'
import { quiet } from '../../../shared/log/quiet.ts'
import { type Control, serveControl } from '../../../shared/rpc/control.ts'
import type { Status } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { tempDir } from '../temp-dir.ts'

const main = fileURLToPath(new URL('../../../cli/crossport', import.meta.url))

/** The command, run as an operator runs it. */
export const crossport = (...args: string[]) => execa(main, args, { reject: false, stripFinalNewline: false })

/** A daemon's control socket that answers with this. */
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
