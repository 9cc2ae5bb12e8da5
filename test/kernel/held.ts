import type { ExecutionContext } from 'ava'
import { type Site, service, VIP } from '../e2e/fixture.ts'
import { type Held, hold as holdOpen, type Lost } from '../e2e/hold.ts'

/** The echo service of every VM, with a drain time so long that no change ends a connection. */
export const ECHO = 9000
export const echoService = (changes: Record<string, unknown> = {}) =>
  service({
    service: 'echo',
    port: ECHO,
    drainTimeout: 600,
    realServers: [{ vm: 'web-*', port: ECHO }],
    ...changes,
  })

/** Opens connections to the echo service. */
export const hold = (t: ExecutionContext, { lab }: Site, count: number): Promise<Held> =>
  holdOpen(t, lab, { vip: VIP, port: ECHO, count, upload: false })

export const nothingLost = (count: number): Lost => ({ count, lost: [], silent: 0, upload: '' })
