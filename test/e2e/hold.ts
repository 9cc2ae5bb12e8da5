import { rm } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'
import type { Lab } from '../lab/lab.ts'

export interface Held {
  /** The results of the connections. */
  end(): Promise<Lost>
}

export interface Lost {
  readonly count: number
  /** The reasons, one per lost connection. */
  readonly lost: readonly string[]
  /** Open connections that have not got all their echoes. */
  readonly silent: number
  /** What ended the upload. */
  readonly upload: string
}

export interface HoldOptions {
  readonly vip: string
  /** Port of an echo service. */
  readonly port: number
  readonly count: number
  /** Default true. */
  readonly upload?: boolean
  /** First of the client's ports. Default: its kernel chooses. */
  readonly first?: number
}

const program = (name: string) => new URL(`programs/${name}.ts`, import.meta.url).pathname

/** Long connections, each of which sends twice a second, and an upload without a pause. */
export async function hold(
  t: ExecutionContext,
  { client }: Pick<Lab, 'client'>,
  { vip, port, count, upload = true, first }: HoldOptions,
): Promise<Held> {
  const stop = `/run/stop-${performance.now().toFixed(0)}`
  const spawn = async (name: string, args: readonly string[], ready: RegExp) => {
    const child = await client.spawn([process.execPath, program(name), vip, String(port), ...args], {
      name: `${name}${stop.replaceAll('/', '-')}`,
    })
    t.teardown(async () => {
      child.kill('SIGKILL')
      await rm(child.log, { force: true })
    })
    await child.waitForLine(ready, 120_000)
    return child
  }
  const holder = await spawn(
    'long-lived',
    [String(count), stop, ...(first === undefined ? [] : [String(first)])],
    /^open/,
  )
  const uploader = upload ? await spawn('uploader', [stop], /^sending/) : undefined
  return {
    end: async () => {
      await client.writeFile(stop, '')
      const [held, sent] = await Promise.all([
        holder.waitForLine(/^\{/, 60_000),
        uploader?.waitForLine(/^\{/, 60_000) ?? '{"error":""}',
      ])
      const { error } = JSON.parse(sent) as { error: string }
      return { ...(JSON.parse(held) as { count: number; lost: string[]; silent: number }), upload: error }
    },
  }
}
