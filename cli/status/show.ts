import type { ServiceError } from '@grpc/grpc-js'
import { controlClient } from '../../shared/rpc/client.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { createStatusReader } from '../../shared/rpc/status.ts'
import { explain, status } from '../call.ts'
import { EXIT, type Io } from '../exit.ts'
import { chosenSockets, NO_DAEMON } from '../sockets.ts'
import { formatStatus, inForce } from './format.ts'

export interface StatusOptions {
  readonly json?: boolean
  readonly watch?: boolean
  readonly timeline?: boolean
  readonly socket?: readonly string[]
}

/** `crossport status`: returns the exit code. With `watch` it returns when the last daemon has gone. */
export async function showStatus(options: StatusOptions, io: Io): Promise<number> {
  const sockets = chosenSockets(options.socket)
  if (sockets.length === 0) {
    io.err(NO_DAEMON)
    return EXIT.unreachable
  }
  const one = options.watch ? follow : once
  let first = true
  const print = (status: Status__Output) => {
    const text = options.json ? `${JSON.stringify(status)}\n` : formatStatus(status, options)
    io.out(first || options.json ? text : `\n${text}`)
    first = false
  }
  const codes = await Promise.all(sockets.map(socket => one(socket, io, print)))
  return Math.max(...codes)
}

async function once(socket: string, io: Io, print: (status: Status__Output) => void): Promise<number> {
  const answer = await status(socket)
  if ('value' in answer) {
    print(answer.value)
    return inForce(answer.value) ? EXIT.ok : EXIT.notInForce
  }
  io.err(`${'failed' in answer ? answer.failed : answer.unreachable}\n`)
  return EXIT.unreachable
}

function follow(socket: string, io: Io, print: (status: Status__Output) => void): Promise<number> {
  const client = controlClient(socket)
  return new Promise(resolve => {
    const finish = (error?: ServiceError) => {
      const answer = error && explain(socket, error)
      io.err(
        `${answer === undefined ? `${socket} has closed` : 'failed' in answer ? answer.failed : answer.unreachable}\n`,
      )
      client.close()
      resolve(EXIT.unreachable)
    }
    const stream = client.Watch({})
    const add = createStatusReader()
    stream.on('data', piece => {
      const status = add(piece)
      if (status !== undefined) print(status)
    })
    stream.on('error', finish)
    stream.on('end', () => finish())
  })
}
