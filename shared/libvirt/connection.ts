import { createConnection, type Socket } from 'node:net'
import { CrossportError, messageOf } from '../errors.ts'
import { type Clock, systemClock } from '../run/clock.ts'
import { type DomainEvent, decodeEvent } from './events.ts'
import { createFramer } from './framer.ts'
import * as m from './message.ts'
import {
  type Args,
  AUTH_NONE,
  AUTH_POLKIT,
  FEATURE_PROGRAM_KEEPALIVE,
  PROCEDURES,
  type ProcedureName,
  type Result,
} from './procedures.ts'
import { type Codec, decode, encode } from './xdr.ts'

export interface LibvirtOptions {
  /** Path of the unix socket, e.g. /var/run/libvirt/libvirt-sock. */
  readonly socket: string
  /** Default qemu:///system. */
  readonly uri?: string
  readonly clock?: Clock
  /** Bytes came in. */
  activity?(): void
  /** The connection has ended by itself; called once, and not after `destroy`. */
  lost?(reason: string): void
  event?(event: DomainEvent): void
  /** Default timeout of a call, ms. Default 30 s. */
  readonly callTimeout?: number
}

export interface LibvirtConnection {
  /**
   * Makes one call. Rejects with LIBVIRT_ERROR (libvirtd refused; fields `libvirtCode`, `libvirtDomain`), LIBVIRT_TIMEOUT,
   * LIBVIRT_PROTOCOL or LIBVIRT_CONNECTION.
   */
  call<P extends ProcedureName>(name: P, args: Args<P>, timeoutMs?: number): Promise<Result<P>>
  /** Sends a keepalive ping; the pong comes as `activity`. */
  probe(): void
  destroy(): void
}

interface Pending {
  readonly result: Codec<unknown>
  readonly program: number
  readonly procedure: number
  resolve(value: unknown): void
  reject(error: Error): void
}

/**
 * Connects to libvirtd and opens the driver: AUTH_LIST (and polkit when asked for), keepalive, CONNECT_OPEN.
 * Rejects with LIBVIRT_CONNECTION, LIBVIRT_ERROR or LIBVIRT_PROTOCOL, and when the signal aborts.
 */
export async function connectLibvirt(options: LibvirtOptions, signal?: AbortSignal): Promise<LibvirtConnection> {
  const { clock = systemClock, callTimeout = 30_000, uri = 'qemu:///system' } = options
  const socket = createConnection(options.socket)
  const framer = createFramer()
  const pending = new Map<number, Pending>()
  let serial = 0
  let ended: Error | undefined

  const end = (error: Error, tell: boolean) => {
    if (ended !== undefined) return
    ended = error
    signal?.removeEventListener('abort', onAbort)
    socket.destroy()
    for (const call of pending.values()) call.reject(error)
    pending.clear()
    if (tell) options.lost?.(error.message)
  }
  const onAbort = () => end(connectionError(`connecting to ${options.socket} was given up`, signal?.reason), false)

  const send = (header: Omit<m.Header, 'version'>, body?: Buffer) => {
    socket.write(m.packMessage({ version: m.PROTOCOL_VERSION, ...header }, body))
  }

  const onKeepalive = ({ procedure, serial, program }: m.Header) => {
    if (procedure === m.KEEPALIVE_PING)
      send({ program, procedure: m.KEEPALIVE_PONG, type: m.MESSAGE, serial, status: m.OK })
  }

  const onReply = (header: m.Header, body: Buffer) => {
    const call = pending.get(header.serial)
    // A reply may arrive after its call's timeout; a reply to a call that was never made is an error.
    if (call === undefined && header.serial < serial) return
    if (call === undefined || call.program !== header.program || call.procedure !== header.procedure)
      throw new CrossportError('LIBVIRT_PROTOCOL', `libvirtd answered call ${header.serial}, which was not made`)
    pending.delete(header.serial)
    try {
      if (header.status === m.OK) call.resolve(decode(call.result, body))
      else call.reject(libvirtError(m.decodeError(body)))
    } catch (error) {
      call.reject(error as Error)
      throw error
    }
  }

  const onMessage = (message: Buffer) => {
    const { header, body } = m.unpackMessage(message)
    if (header.program === m.KEEPALIVE_PROGRAM) return onKeepalive(header)
    if (header.type === m.REPLY) return onReply(header, body)
    if (header.type !== m.MESSAGE) return
    const event = decodeEvent(header.program, header.procedure, body)
    if (event !== undefined) options.event?.(event)
  }

  socket.on('data', (chunk: Buffer) => {
    options.activity?.()
    try {
      for (const message of framer.push(chunk)) {
        if (ended !== undefined) return
        onMessage(message)
      }
    } catch (error) {
      end(error instanceof CrossportError ? error : unexpected(error), true)
    }
  })
  socket.on('error', error => end(connectionError(`libvirt at ${options.socket}: ${explain(error)}`, error), true))
  socket.on('close', () => end(connectionError(`libvirtd closed the connection at ${options.socket}`), true))
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })

  const call = <P extends ProcedureName>(name: P, args: Args<P>, timeoutMs = callTimeout): Promise<Result<P>> => {
    if (ended !== undefined) return Promise.reject(ended)
    const procedure = PROCEDURES[name]
    const { program, number } = procedure
    const mine = serial++
    return new Promise<Result<P>>((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        pending.delete(mine)
        reject(new CrossportError('LIBVIRT_TIMEOUT', `libvirtd has not answered ${name} within ${timeoutMs / 1000} s`))
      })
      pending.set(mine, {
        result: procedure.result,
        program,
        procedure: number,
        resolve: value => {
          cancel()
          resolve(value as Result<P>)
        },
        reject: error => {
          cancel()
          reject(error)
        },
      })
      const body = encode(procedure.args as Codec<Args<P>>, args)
      send({ program, procedure: number, type: m.CALL, serial: mine, status: m.OK }, body)
    })
  }

  try {
    await opened(socket, () => ended)
    await authenticate(call)
    // libvirtd answers (and sends) keepalive messages only to a client that has asked for the feature.
    await call('connectSupportsFeature', { feature: FEATURE_PROGRAM_KEEPALIVE })
    await call('connectOpen', { name: uri, flags: 0 })
  } catch (error) {
    end(error as Error, false)
    throw error
  }
  signal?.removeEventListener('abort', onAbort)

  return {
    call,
    probe: () => {
      if (ended !== undefined) return
      send({ program: m.KEEPALIVE_PROGRAM, procedure: m.KEEPALIVE_PING, type: m.MESSAGE, serial: 0, status: m.OK })
    },
    destroy: () => end(connectionError('the connection to libvirt was closed'), false),
  }
}

async function authenticate(call: LibvirtConnection['call']): Promise<void> {
  const { types } = await call('authList', {})
  if (types.length === 0 || types.includes(AUTH_NONE)) return
  if (!types.includes(AUTH_POLKIT))
    throw connectionError('libvirtd asks for authentication other than polkit on its unix socket (auth_unix_rw)')
  try {
    await call('authPolkit', {})
  } catch (error) {
    if (!(error instanceof CrossportError) || error.code !== 'LIBVIRT_ERROR') throw error
    throw connectionError(
      `libvirtd does not let the agent's user in (it has to be in group libvirt): ${error.message}`,
      error,
    )
  }
}

function opened(socket: Socket, ended: () => Error | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('close', () => reject(ended() ?? connectionError('the connection to libvirt was closed')))
  })
}

function libvirtError({ message, code, domain }: m.RemoteError): CrossportError {
  return new CrossportError('LIBVIRT_ERROR', message ?? `libvirt error ${code}`, {
    fields: { libvirtCode: code, libvirtDomain: domain },
  })
}

/** Nothing that libvirtd sends may end the daemon, so an unexpected exception becomes a protocol error. */
function unexpected(cause: unknown): CrossportError {
  const words = messageOf(cause)
  return new CrossportError('LIBVIRT_PROTOCOL', `what libvirtd sent was not expected: ${words}`, { cause })
}

function connectionError(message: string, cause?: unknown): CrossportError {
  return new CrossportError('LIBVIRT_CONNECTION', message, cause === undefined ? {} : { cause })
}

const EXPLAIN: Readonly<Record<string, string>> = {
  ENOENT: 'no such socket; is libvirtd (or virtqemud) installed and its socket unit active?',
  ECONNREFUSED: 'connection refused; libvirtd is not running',
  EACCES: 'permission denied',
}

function explain(error: NodeJS.ErrnoException): string {
  return EXPLAIN[error.code ?? ''] ?? error.message
}
