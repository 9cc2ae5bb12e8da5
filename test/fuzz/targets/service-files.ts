import { parseServiceFile } from '../../../shared/config/parse.ts'
import type { Target } from '../engine.ts'

/** Each problem's line and column are in the file, and there are no more problems than fit on a screen. */
const SEEDS = [
  'service: web\nvip: 10.10.1.100\nport: 80\nrealServers:\n  - vm: web-*\n    port: 8080\n',
  `service: web
vip: 10.10.1.100
port: 80
scheduler: wlc
clients: [10.10.1.0/24]
persistence: {timeout: 300, mask: 255.255.255.0}
healthCheck: {type: http, path: /healthz, status: 200-299, interval: 2s, timeout: 1s}
realServers:
  - {vm: web-1, port: 8080, weight: 3}
  - vm: 'web-[2-9]'
    port: 8081
---
service: dns
protocol: udp
vip: 10.10.1.101
port: 53
realServers: [{vm: dns-*, port: 53}]
`,
  '{"service":"web","vip":"10.10.1.100","port":80,"realServers":[{"vm":"web-1","port":8080}]}',
  'a: &a [1, 2]\nb: *a\nc: !!str 3\nd: |\n  text\n  more\ne: >-\n  folded\n? key\n: value\n',
]

export const serviceFiles: Target = {
  name: 'service-files',
  seeds: SEEDS.map(text => Buffer.from(text)),
  refuses: [],
  run: input => {
    const { problems } = parseServiceFile(input.toString('utf8'), 'web.yaml')
    for (const { line, column } of problems)
      if (!(line >= 1 && (column ?? 1) >= 1)) throw new Error(`a problem at ${line}:${column}`)
  },
}
