import { CrossportError, type ErrorCode } from '../../../shared/errors.ts'
import type { CheckTarget, ProbeResult, Prober } from '../types.ts'

/** The failure of a check: no answer, or not the expected one. */
export class ProbeFailure extends Error {}

/** Errors of this host, which say nothing about the real server. */
const OWN_FAULTS = new Set([
  'EACCES',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EMFILE',
  'ENETDOWN',
  'ENETUNREACH',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOMEM',
  'EPERM',
])

/** Errors that keep the guest agent from being asked, for reasons outside the real server. */
const NOT_ASKED = new Set<ErrorCode>([
  'GUEST_AGENT_FROZEN',
  'GUEST_COMMANDS_BLOCKED',
  'GUEST_NO_CHANNEL',
  'LIBVIRT_CONNECTION',
  'LIBVIRT_TIMEOUT',
])

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no answer',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'no answer',
}

/** Makes a prober from a function that resolves with a good result and rejects with a bad one, until its signal aborts. */
export function timed(
  probe: (target: CheckTarget, signal: AbortSignal) => Promise<string>,
  now: () => number = () => performance.now(),
): Prober {
  return async (target, signal): Promise<ProbeResult> => {
    const late = new AbortController()
    const timeout = late.signal
    const cancel = armed(target.check.timeout, late)
    const started = now()
    try {
      const detail = await probe(target, AbortSignal.any([signal, timeout]))
      return { kind: 'good', detail: `${detail} in ${Math.max(1, Math.round(now() - started))} ms` }
    } catch (error) {
      if (error instanceof ProbeFailure) return { kind: 'bad', reason: error.message }
      if (timeout.aborted) return { kind: 'bad', reason: `no answer within ${target.check.timeout} ms` }
      if (error instanceof CrossportError)
        return { kind: NOT_ASKED.has(error.code) ? 'impossible' : 'bad', reason: error.message }
      const { code = '', message } = error as NodeJS.ErrnoException
      if (OWN_FAULTS.has(code)) return { kind: 'impossible', reason: message }
      return { kind: 'bad', reason: WORDS[code] ?? message }
    } finally {
      cancel()
    }
  }
}

/**
 * Aborts after `ms`, but only after data that has arrived meanwhile is read: a process that was suspended must not blame its own
 * delay on the real server.
 */
function armed(ms: number, late: AbortController): () => void {
  let turn: NodeJS.Immediate | undefined
  const abort = () => late.abort(new DOMException('no answer in time', 'TimeoutError'))
  const timer = setTimeout(() => {
    turn = setImmediate(() => {
      turn = setImmediate(abort)
    })
  }, ms)
  return () => {
    clearTimeout(timer)
    clearImmediate(turn)
  }
}
