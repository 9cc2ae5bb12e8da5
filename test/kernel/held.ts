import type { Site } from '../e2e/fixture.ts'
import { service, VIP } from '../e2e/fixture.ts'

/** The echo service of every VM, and so long that none of the changes to it ends a connection. */
export const ECHO = 9000
export const echoService = (changes: Record<string, unknown> = {}) =>
  service({
    service: 'echo',
    port: ECHO,
    drainTimeout: 600,
    realServers: [{ vm: 'web-*', port: ECHO }],
    ...changes,
  })

export interface Held {
  /** Ends them; what has become of them. */
  end(): Promise<{ readonly count: number; readonly lost: readonly string[]; readonly silent: number }>
}

let n = 0

/** So many connections to the echo service, each of which says something all the time. */
export async function hold({ lab }: Site, count: number): Promise<Held> {
  const program = new URL('../e2e/programs/long-lived.ts', import.meta.url).pathname
  const stop = `/run/stop-${++n}`
  const argv = [process.execPath, program, VIP, String(ECHO), String(count), stop]
  const client = await lab.client.spawn(argv, { name: `held-${n}` })
  await client.waitForLine(/^open/, 60_000)
  return {
    end: async () => {
      await lab.client.writeFile(stop, '')
      return JSON.parse(await client.waitForLine(/^\{/))
    },
  }
}
