import { randomInt } from 'node:crypto'
import type { z } from 'zod'
import { CrossportError } from '../../shared/errors.ts'
import type { Clock } from '../../shared/run/clock.ts'
import * as replies from './replies.ts'

/**
 * Runs one guest agent command. Resolves with its `return` value, rejects with a CrossportError (GUEST_AGENT_UNRESPONSIVE,
 * GUEST_AGENT_ERROR, …; see shared/libvirt/agent.ts).
 */
export type AgentCall = (vmUuid: string, json: string, timeoutS: number) => Promise<unknown>

export interface Exec {
  /** Is -1 when a signal ended the program. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface ExecOptions {
  /** Standard input. */
  readonly input?: string
  readonly timeoutMs?: number
}

/** The guest agent of one VM (https://www.qemu.org/docs/master/interop/qemu-ga-ref.html). Every reply is checked. */
export interface Qga {
  call<T>(schema: z.ZodType<T>, command: string, args?: object): Promise<T>
  /** Throws GUEST_AGENT_UNRESPONSIVE when the guest agent answers an older request. */
  sync(): Promise<void>
  /** Runs a program and waits for its end, by default for 10 s. A program that takes longer goes on running. */
  exec(path: string, args: readonly string[], options?: ExecOptions): Promise<Exec>
}

export interface QgaOptions {
  readonly vmUuid: string
  readonly agentCall: AgentCall
  readonly clock: Clock
  /** Checked before each command, so that an outdated pass ends there. */
  readonly signal: AbortSignal
}

const CALL_TIMEOUT_S = 5
const EXEC_TIMEOUT_MS = 10_000
const FIRST_POLL_MS = 20
const SLOWEST_POLL_MS = 1000
/** Characters of a program's standard error, which people read. */
const MOST_WORDS = 500

export function createQga({ vmUuid, agentCall, clock, signal }: QgaOptions): Qga {
  const call = async <T>(schema: z.ZodType<T>, command: string, args?: object): Promise<T> => {
    signal.throwIfAborted()
    const message = { execute: command, ...(args === undefined ? {} : { arguments: args }) }
    const reply = await unlessAborted(agentCall(vmUuid, JSON.stringify(message), CALL_TIMEOUT_S), signal)
    return replies.checked(schema, command, reply)
  }

  const pause = (ms: number) => {
    let cancel = () => {}
    const over = new Promise<void>(resolve => {
      cancel = clock.after(ms, resolve)
    })
    return unlessAborted(over, signal).finally(cancel)
  }

  return {
    call,
    sync: async () => {
      const id = randomInt(1, 2 ** 31)
      const answer = await call(replies.handleReply, 'guest-sync', { id })
      if (answer !== id)
        throw new CrossportError('GUEST_AGENT_UNRESPONSIVE', 'the guest agent still answers older commands')
    },
    exec: async (path, args, { input, timeoutMs = EXEC_TIMEOUT_MS } = {}) => {
      const { pid } = await call(replies.pidReply, 'guest-exec', {
        path,
        arg: args,
        'capture-output': true,
        ...(input === undefined ? {} : { 'input-data': Buffer.from(input).toString('base64') }),
      })
      const deadline = clock.now() + timeoutMs
      for (let wait = FIRST_POLL_MS; ; wait = Math.min(wait * 2, SLOWEST_POLL_MS)) {
        const status = await call(replies.execReply, 'guest-exec-status', { pid })
        if (status.exited)
          return {
            exitCode: status.exitcode ?? -1,
            stdout: decode(status['out-data']),
            stderr: decode(status['err-data']).slice(0, MOST_WORDS),
          }
        if (clock.now() >= deadline) {
          const line = [path, ...args].join(' ')
          throw new CrossportError(
            'GUEST_AGENT_UNRESPONSIVE',
            `${line} has not ended in the guest within ${timeoutMs / 1000} s`,
          )
        }
        await pause(wait)
      }
    },
  }
}

function decode(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('utf8')
}

/**
 * Rejects when the signal aborts, so that a stuck guest does not delay a daemon that stops. The guest may still run the command.
 */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
