import { type ClientRequest, type IncomingMessage, request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { holds } from '../../../shared/config/pattern.ts'
import { endpoint, urlHost } from '../../../shared/net/family.ts'
import type { CheckTarget } from '../types.ts'
import { ProbeFailure, timed } from './prober.ts'
import { MOST_BYTES } from './tcp.ts'

/**
 * Sends one request on a connection of its own. The status must be an expected one, and the body must contain the expected text.
 */
export const httpProber = timed(async (target, signal) => {
  const response = await ask(target, signal)
  const { check } = target
  const status = response.statusCode ?? 0
  try {
    if (!check.status.some(({ first, last }) => first <= status && status <= last))
      throw new ProbeFailure(`status ${status}`)
    if (check.body !== undefined && !holds(await read(response), check.body))
      throw new ProbeFailure(`status ${status}, but the body does not have ${check.body}`)
    return `status ${status}`
  } finally {
    response.destroy()
  }
})

function ask({ check, vip, port, address }: CheckTarget, signal: AbortSignal): Promise<IncomingMessage> {
  const { method, path, type } = check
  const defaultPort = type === 'https' ? 443 : 80
  const host = check.host ?? (port === defaultPort ? urlHost(vip) : endpoint(vip, port))
  const headers = { host, 'user-agent': 'crossport', connection: 'close', accept: '*/*' }
  const options = { host: address!, port, method, path, headers, agent: false, signal }
  return new Promise((resolve, reject) => {
    let connected = false
    let sent: ClientRequest
    if (type === 'https') {
      // The probe's address is not in the certificate. Whether the certificate is valid concerns only clients.
      const servername = check.host?.replace(/:\d+$/, '') ?? ''
      sent = secure({ ...options, rejectUnauthorized: false, servername })
    } else sent = plain(options)
    sent.once('socket', socket => socket.once('connect', () => (connected = true)))
    sent.once('response', response => resolve(response.on('error', () => {})))
    sent.on('error', error => {
      const late = signal.aborted && (signal.reason as Error | undefined)?.name === 'TimeoutError'
      const silent = `connected, and then no answer within ${check.timeout} ms`
      reject(connected && late ? new ProbeFailure(silent) : signal.aborted ? signal.reason : error)
    })
    sent.end()
  })
}

async function read(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1')
    if (text.length > MOST_BYTES) break
  }
  return text
}
