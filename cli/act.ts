import { createInterface } from 'node:readline/promises'
import type { ResyncReply__Output } from '../shared/rpc/gen/crossport/v1/ResyncReply.ts'
import type { TeardownReply__Output } from '../shared/rpc/gen/crossport/v1/TeardownReply.ts'
import { type Answer, call } from './call.ts'
import { EXIT, type Io } from './exit.ts'
import { chosenSockets, NO_DAEMON } from './sockets.ts'

interface SocketOption {
  readonly socket?: readonly string[]
}

/** `crossport resync`: says how many flows had to be changed. */
export function resync(options: SocketOption, io: Io): Promise<number> {
  return forEachDaemon(options, io, async socket => {
    const answer = await call<ResyncReply__Output>(socket, 'act', (client, deadline, done) =>
      client.Resync({}, { deadline }, done),
    )
    return report(answer, io, value => {
      const { flowsAdded, flowsChanged, flowsDeleted } = value
      return `${socket}: ${flowsAdded} flows added, ${flowsChanged} changed, ${flowsDeleted} deleted\n`
    })
  })
}

/** `crossport teardown`: asks first, unless `yes`. */
export async function teardown(options: SocketOption & { yes?: boolean }, io: Io): Promise<number> {
  if (!options.yes && !(await confirmed())) {
    io.err('nothing was removed\n')
    return EXIT.notInForce
  }
  return forEachDaemon(options, io, async socket => {
    const answer = await call<TeardownReply__Output>(socket, 'act', (client, deadline, done) =>
      client.Teardown({}, { deadline }, done),
    )
    return report(answer, io, value => `${socket}: ${value.flowsDeleted} flows and ${value.vipsRemoved} VIPs removed\n`)
  })
}

async function confirmed(): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await lines.question(
    'Remove every flow and VIP that crossport has set? Services stop being served. [y/N] ',
  )
  lines.close()
  return /^y(es)?$/i.test(answer.trim())
}

async function forEachDaemon(options: SocketOption, io: Io, act: (socket: string) => Promise<number>): Promise<number> {
  const sockets = chosenSockets(options.socket)
  if (sockets.length === 0) io.err(NO_DAEMON)
  let code: number = sockets.length === 0 ? EXIT.unreachable : EXIT.ok
  for (const socket of sockets) code = Math.max(code, await act(socket))
  return code
}

function report<T>(answer: Answer<T>, io: Io, line: (value: T) => string): number {
  if ('value' in answer) {
    io.out(line(answer.value))
    return EXIT.ok
  }
  io.err(`${'failed' in answer ? answer.failed : answer.unreachable}\n`)
  return 'failed' in answer ? EXIT.notInForce : EXIT.unreachable
}
