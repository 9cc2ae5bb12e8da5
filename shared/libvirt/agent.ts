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
   * One guest agent command (qemu-ga(8), QMP form: `{"execute": …, "arguments": …}`) in the VM with this UUID; resolves
   * with the `return` value, unchecked: the guest is not trusted. One call a VM at a time, some in all; others wait. VMs
   * whose agent did not answer last time wait for each other, and for nobody else.
   * Rejects with GUEST_NOT_RUNNING, GUEST_NO_CHANNEL, GUEST_AGENT_NOT_CONNECTED, GUEST_AGENT_UNRESPONSIVE (the command
   * may still run), GUEST_AGENT_ERROR (the agent's own error), GUEST_REPLY_INVALID, or libvirt's LIBVIRT_*.
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
/** Without it libvirt waits 5 s for a silent agent at every call, whatever timeout the call has. */
const AGENT_TIMEOUT_S = 1
/** libvirt's own waiting, over the agent's, before libvirtd itself counts as stuck. */
const SLACK_MS = 10_000

/**
 * Guest agent calls on connections of their own, made when first needed. A silent agent takes a second and more of
 * libvirtd's time at every call: VMs known for that have a line of their own.
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

/** One connection, and who waits for it. */
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
      // A libvirtd that does not answer is left, or its late work would take our slots.
      if (error instanceof CrossportError && error.code === 'LIBVIRT_TIMEOUT') {
        connection = undefined
        live.destroy()
      }
      throw classify(error)
    }
  }

  return {
    /** Calls that run or wait. */
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

/** The `return` value of a guest agent's reply, unchecked. Throws GUEST_REPLY_INVALID. */
export function replyOf(result: string | undefined): unknown {
  try {
    const reply: unknown = JSON.parse(result ?? '')
    if (typeof reply === 'object' && reply !== null && 'return' in reply) return reply.return
  } catch (cause) {
    throw new CrossportError('GUEST_REPLY_INVALID', "the guest agent's answer is not JSON", { cause })
  }
  throw new CrossportError('GUEST_REPLY_INVALID', "the guest agent's answer has no return value")
}

/** libvirt has one error code for several things that the operator mends differently; its words tell them apart. */
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

/** What the agent's own words mean, in any of its versions (QEMU's qapi/qmp-dispatch.c): a command of its that is off. */
function refusal(words: string): CrossportError['code'] {
  if (!/^(The c|C)ommand \S+ has (been disabled|not been found)/.test(words)) return 'GUEST_AGENT_ERROR'
  return /frozen/.test(words) ? 'GUEST_AGENT_FROZEN' : 'GUEST_COMMANDS_BLOCKED'
}

/** "internal error: unable to execute QEMU agent command 'x': WORDS" */
function agentWords(message: string): string {
  return /agent command '[^']*': (.*)$/s.exec(message)?.[1] ?? message
}
