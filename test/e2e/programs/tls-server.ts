import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'

// tls-server ADDRESS PORT DIR: HTTPS with DIR's cert.pem and key.pem. Answers with the text in DIR/state and the requested
// names, in TLS and in the Host header; it serves only one of them.
const NAME = 'shop.example'
const [address, port, dir] = process.argv.slice(2)
const file = (name: string) => readFileSync(`${dir}/${name}`)

createServer({ cert: file('cert.pem'), key: file('key.pem') }, (request, response) => {
  const { servername } = request.socket as TLSSocket & { servername: string | false }
  const status = servername === NAME && request.headers.host === NAME ? 200 : 421
  response.writeHead(status).end(`${String(file('state')).trim()} ${servername} ${request.headers.host}\n`)
}).listen(Number(port), address, () => process.stdout.write('listening\n'))
