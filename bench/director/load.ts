import type { Space } from '../../test/segment/segment.ts'

export interface Load {
  readonly perSecond: number
  readonly total: number
}

/** Opens a connection for each request, or keeps 32 connections. */
export async function wrk(client: Space, address: string, close: boolean, seconds: number): Promise<Load> {
  const header = close ? "-H 'Connection: close'" : ''
  const text = await client.run(`wrk -t1 -c32 -d${seconds}s ${header} http://${address}/`)
  const errors = /Socket errors: connect (\d+), read \d+, write \d+, timeout (\d+)/.exec(text)
  if (errors !== null && Number(errors[1]) + Number(errors[2]) > 10) throw new Error(`${address}: ${text}`)
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    total: Number(/(\d+) requests in/.exec(text)?.[1]),
  }
}

/** Megabits a second of one download. */
export async function download(client: Space, address: string, bytes: number): Promise<number> {
  const speed = await client.run(
    `curl -sS -o /dev/null -w '%{speed_download}' 'http://${address}/download?bytes=${bytes}'`,
  )
  return (Number(speed) * 8) / 1e6
}
