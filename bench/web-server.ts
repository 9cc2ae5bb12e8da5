import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Space } from '../test/segment/segment.ts'

/**
 * Starts HAProxy as the web server of a space: `/` answers with a short text, `/download?bytes=N` with N bytes. HAProxy keeps
 * its configuration in `dir`.
 */
export async function startWebServer(space: Space, dir: string, port: number): Promise<void> {
  const file = join(dir, 'server.cfg')
  await writeFile(
    file,
    `global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend web
  bind 0.0.0.0:${port} backlog 4096
  http-request return status 200 content-type text/plain string hello unless { path /download }
  default_backend source
backend source
  server source 127.0.0.1:81
`,
  )
  space.start(['/usr/sbin/haproxy', '-f', file])
  space.start([process.execPath, new URL('director/source.ts', import.meta.url).pathname])
}
