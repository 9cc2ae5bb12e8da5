import { createInterface } from 'node:readline/promises'
import { status as grpcStatus, type ServiceError } from '@grpc/grpc-js'
import { controlClient } from '../shared/rpc/client.ts'
import type { ResyncReply__Output } from '../shared/rpc/gen/crossport/v1/ResyncReply.ts'
import type { TeardownProgress__Output } from '../shared/rpc/gen/crossport/v1/TeardownProgress.ts'
import type { TeardownReply__Output } from '../shared/rpc/gen/crossport/v1/TeardownReply.ts'
import { adminSocketOf } from '../shared/rpc/socket.ts'
import { type Answer, call, DEADLINE, explain } from './call.ts'
import { EXIT, type Io } from './exit.ts'
import { chosenSockets, NO_DAEMON } from './sockets.ts'

interface SocketOption {
  readonly socket?: readonly string[]
}

/** `crossport resync`: says how many flows had to be changed. */
export function resync(options: SocketOption, io: Io): Promise<number> {
  return forEachDaemon(options, io, async socket => {
    const answer = await call<ResyncReply__Output>(socket, (client, deadline, done) =>
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
  return forEachDaemon(options, io, socket => tearDown(socket, io))
}

/** Says what the daemon waits for. Whatever ends this before it is done makes the daemon forget it. */
function tearDown(socket: string, io: Io): Promise<number> {
  const client = controlClient(socket)
  const stream = client.Teardown({}, { deadline: new Date(Date.now() + DEADLINE.act) })
  let interrupted = false
  const interrupt = () => {
    interrupted = true
    stream.cancel()
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  return new Promise<number>(resolve => {
    stream.on('data', ({ waitingFor, done }: TeardownProgress__Output) => {
      if (done) resolve(tornDown(socket, done, io))
      else io.err(`${socket}: waiting for ${waitingFor} (interrupt to give up)\n`)
    })
    stream.on('error', (error: ServiceError) => {
      const late = error.code === grpcStatus.DEADLINE_EXCEEDED
      if (!interrupted && !late) return resolve(report(explain(socket, error), io, () => ''))
      const why = interrupted ? 'interrupted' : `no end after ${DEADLINE.act / 1000} s`
      io.err(`${socket}: ${why}; the daemon forgets the teardown, and puts back what it had taken out\n`)
      resolve(EXIT.notInForce)
    })
    stream.on('end', () => resolve(EXIT.unreachable))
  }).finally(() => {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    client.close()
  })
}

function tornDown(socket: string, { flowsDeleted, vipsRemoved, vipsLeft }: TeardownReply__Output, io: Io): number {
  io.out(`${socket}: ${flowsDeleted} flows and ${vipsRemoved} VIPs removed\n`)
  if (vipsLeft === 0) return EXIT.ok
  io.err(
    `${socket}: ${vipsLeft} VIPs are in guests that do not answer; each goes when its guest does, while the daemon runs\n`,
  )
  return EXIT.notInForce
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
  for (const socket of sockets) code = Math.max(code, await act(adminSocketOf(socket)))
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
