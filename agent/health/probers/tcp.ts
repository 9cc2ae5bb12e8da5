import { connect } from 'node:net'
import { holds } from '../../../shared/config/pattern.ts'
import { firstLine } from '../words.ts'
import { ProbeFailure, timed } from './prober.ts'

/** Most bytes that are read of an answer. */
export const MOST_BYTES = 64 * 1024

/** Share of the process's time that the search of one answer may take: not every byte of a slow peer starts a new search. */
const SEARCH_SHARE = 0.1

/** Connects; with `send` or `expect` it also exchanges data. */
export const tcpProber = timed(
  ({ check, address, port }, signal) =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: address!, port, noDelay: true })
      const finish = (act: () => void) => {
        clearTimeout(later)
        signal.removeEventListener('abort', aborted)
        socket.removeAllListeners().on('error', () => {})
        // After a reset neither side keeps the connection for a minute, as it would after a normal close.
        socket.resetAndDestroy()
        act()
      }
      const fail = (error: unknown) => finish(() => reject(error))
      const aborted = () => fail(connected && signal.reason?.name === 'TimeoutError' ? silent() : signal.reason)
      const silent = () => {
        const what = heard === '' ? 'connected, and then no answer' : `answered ${firstLine(heard)}`
        return new ProbeFailure(`${what} within ${check.timeout} ms`)
      }
      let heard = ''
      let connected = false
      let later: NodeJS.Timeout | undefined
      let notBefore = 0
      signal.addEventListener('abort', aborted)
      socket.once('error', fail)
      socket.once('connect', () => {
        connected = true
        if (check.send !== undefined) socket.write(Buffer.from(check.send, 'hex'))
        if (check.expect === undefined) finish(() => resolve('connected'))
      })
      const look = () => {
        const begin = performance.now()
        if (holds(heard, check.expect ?? '')) return finish(() => resolve('expected answer'))
        if (heard.length > MOST_BYTES) return fail(new ProbeFailure(`answered ${firstLine(heard)}`))
        const now = performance.now()
        notBefore = now + (now - begin) / SEARCH_SHARE
      }
      socket.on('data', chunk => {
        heard += chunk.toString('latin1')
        if (heard.length > MOST_BYTES) socket.pause()
        later ??= setTimeout(
          () => {
            later = undefined
            look()
          },
          Math.max(0, notBefore - performance.now()),
        )
      })
      socket.once('end', () => {
        if (heard !== '' && holds(heard, check.expect ?? '')) return finish(() => resolve('expected answer'))
        fail(new ProbeFailure(heard === '' ? 'closed without an answer' : `answered ${firstLine(heard)}`))
      })
    }),
)
