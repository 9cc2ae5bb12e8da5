import { CrossportError } from '../errors.ts'
import type { Clock } from '../run/clock.ts'
import { connectLibvirt, type LibvirtConnection } from './connection.ts'
import {
  AGENT_UNRESPONSIVE,
  AGENT_UNSYNCED,
  ARGUMENT_UNSUPPORTED,
  libvirtCode,
  NO_DOMAIN,
  OPERATION_INVALID,
} from './errors.ts'
import { createSlots } from './slots.ts'
import { parseUuid } from './uuid.ts'

export interface AgentCaller {
  /**
   * Runs one guest agent command (qemu-ga(8), QMP form: `{"execute": …, "arguments": …}`) in the VM with this UUID. Resolves with
   * the unchecked `return` value: the guest is not trusted. Each VM has one call at a time, and the number of calls is limited;
   * others wait. VMs whose guest agent did not answer the last call wait for each other, and hold up no other VM.
   * Rejects with GUEST_NOT_RUNNING, GUEST_NO_CHANNEL, GUEST_AGENT_NOT_CONNECTED, GUEST_AGENT_UNRESPONSIVE (the command may still
   * run), GUEST_AGENT_ERROR (the guest agent's own error), GUEST_REPLY_INVALID, or libvirt's LIBVIRT_*.
   */
  call(vmUuid: string, json: string, timeoutS: number): Promise<unknown>
  close(): void
}

export interface AgentCallerOptions {
  readonly socket: string
  readonly clock: Clock
  readonly uri?: string
}

/** libvirtd serves five calls at once on a connection (max_client_requests), and twenty in all (max_workers). */
const CALLS_A_CONNECTION = 4
const CONNECTIONS = 3
/** Without this, libvirt waits 5 s for a silent guest agent at every call, whatever timeout the call has. */
const AGENT_TIMEOUT_S = 1
/** Time beyond the guest agent's timeout after which libvirtd itself counts as stuck. */
const SLACK_MS = 10_000

/**
 * Makes guest agent calls on connections of its own, opened when first needed. A silent guest agent takes a second or more of
 * libvirtd's time at every call, so VMs known for this have a separate connection.
 */
export function createAgentCaller(options: AgentCallerOptions): AgentCaller {
  const lines = Array.from({ length: CONNECTIONS }, () => createLine(options))
  const slow = createLine(options)
  const silent = new Set<string>()

  const lineFor = (vmUuid: string): Line => {
    if (silent.has(vmUuid)) return slow
    return lines.find(line => line.has(vmUuid)) ?? lines.reduce((best, line) => (line.size < best.size ? line : best))
  }

  return {
    call: async (vmUuid, json, timeoutS) => {
      try {
        const result = await lineFor(vmUuid).call(vmUuid, json, timeoutS)
        silent.delete(vmUuid)
        return result
      } catch (error) {
        if (error instanceof CrossportError && error.code === 'GUEST_AGENT_UNRESPONSIVE') silent.add(vmUuid)
        else silent.delete(vmUuid)
        throw error
      }
    },
    close: () => {
      for (const line of [...lines, slow]) line.close()
    },
  }
}

type Line = ReturnType<typeof createLine>

/** One connection with its queue. */
function createLine({ socket, clock, uri }: AgentCallerOptions) {
  const slots = createSlots(CALLS_A_CONNECTION)
  const closing = new AbortController()
  let connection: Promise<LibvirtConnection> | undefined

  const connect = (): Promise<LibvirtConnection> => {
    if (connection !== undefined) return connection
    const forget = () => {
      if (connection === mine) connection = undefined
    }
    const mine = connectLibvirt({ socket, clock, lost: forget, ...(uri === undefined ? {} : { uri }) }, closing.signal)
    connection = mine
    mine.catch(forget)
    return mine
  }

  const command = async (vmUuid: string, json: string, timeoutS: number): Promise<unknown> => {
    const live = await connect()
    const dom = { name: '', uuid: parseUuid(vmUuid), id: -1 }
    try {
      await live.call('domainAgentSetTimeout', { dom, timeoutS: AGENT_TIMEOUT_S, flags: 0 }, SLACK_MS)
      const timeoutMs = timeoutS * 1000 + SLACK_MS
      const { result } = await live.call('domainAgentCommand', { dom, command: json, timeoutS, flags: 0 }, timeoutMs)
      return replyOf(result)
    } catch (error) {
      // A connection whose libvirtd does not answer is dropped, because its late work would take our slots.
      if (error instanceof CrossportError && error.code === 'LIBVIRT_TIMEOUT') {
        connection = undefined
        live.destroy()
      }
      throw classify(error)
    }
  }

  return {
    /** Number of calls that run or wait. */
    get size() {
      return slots.size
    },
    has: slots.has,
    call: (vmUuid: string, json: string, timeoutS: number) => slots.run(vmUuid, () => command(vmUuid, json, timeoutS)),
    close: () => {
      closing.abort(new Error('closing'))
      slots.close(new CrossportError('LIBVIRT_CONNECTION', 'closing'))
      connection?.then(
        live => live.destroy(),
        () => {},
      )
    },
  }
}

/** Characters of an answer; the longest that is of use, that of a guest with hundreds of NICs, is a tenth of it. */
const MOST_ANSWER = 1 << 20
/** Characters of what a guest says in an error, which people read. */
const MOST_WORDS = 500

/** The `return` value of a guest agent's reply, unchecked. Throws GUEST_REPLY_INVALID. */
export function replyOf(result: string | undefined): unknown {
  const length = result?.length ?? 0
  if (length > MOST_ANSWER)
    throw new CrossportError(
      'GUEST_REPLY_INVALID',
      `the guest agent's answer has ${length} characters, and ${MOST_ANSWER} are the most`,
    )
  try {
    const reply: unknown = JSON.parse(result ?? '')
    if (typeof reply === 'object' && reply !== null && 'return' in reply) return reply.return
  } catch (cause) {
    throw new CrossportError('GUEST_REPLY_INVALID', "the guest agent's answer is not JSON", { cause })
  }
  throw new CrossportError('GUEST_REPLY_INVALID', "the guest agent's answer has no return value")
}

/** libvirt has one error code for several faults that operators mend differently; its words tell them apart. */
function classify(error: unknown): unknown {
  const { message } = error as Error
  const as = (code: CrossportError['code'], text = message) => new CrossportError(code, text, { cause: error })
  switch (libvirtCode(error)) {
    case AGENT_UNRESPONSIVE:
      return as(/not connected/.test(message) ? 'GUEST_AGENT_NOT_CONNECTED' : 'GUEST_AGENT_UNRESPONSIVE')
    case AGENT_UNSYNCED:
      return as('GUEST_AGENT_UNRESPONSIVE')
    case ARGUMENT_UNSUPPORTED:
      return /agent/i.test(message) ? as('GUEST_NO_CHANNEL') : error
    case NO_DOMAIN:
    case OPERATION_INVALID:
      return as('GUEST_NOT_RUNNING')
    case undefined:
      return error
    default:
      return /agent command/i.test(message) ? as(refusal(agentWords(message)), agentWords(message)) : error
  }
}

/** What the guest agent's words mean, in any of its versions (QEMU's qapi/qmp-dispatch.c): the command is disabled. */
function refusal(words: string): CrossportError['code'] {
  if (!/^(The c|C)ommand \S+ has (been disabled|not been found)/.test(words)) return 'GUEST_AGENT_ERROR'
  return /frozen/.test(words) ? 'GUEST_AGENT_FROZEN' : 'GUEST_COMMANDS_BLOCKED'
}

/** "internal error: unable to execute QEMU agent command 'x': WORDS" */
function agentWords(message: string): string {
  return (/agent command '[^']*': (.*)$/s.exec(message)?.[1] ?? message).slice(0, MOST_WORDS)
}
