import * as grpc from '@grpc/grpc-js'
import { loadProto } from '../../../../shared/rpc/load.ts'
import { toProto } from '../../../../shared/rpc/real-server.ts'
import { identity, rs } from '../ends.ts'

// flood.ts ADDRESS beats|deltas N: the host evil-N that registers, and then sends what it has made ready, without a pause.
const [address = '', kind, n] = process.argv.slice(2)
const { Attach } = loadProto().registration.service
const realServers = (weight: number) =>
  Array.from({ length: 8000 }, (_, n) => toProto({ ...rs, id: `evil/${n}`, weight }))
const ready = (
  kind === 'beats' ? [{ heartbeat: { sequence: 1 } }] : [1, 2].map(w => ({ delta: { upserted: realServers(w) } }))
).map(Attach.requestSerialize)
const client = new grpc.Client(address, grpc.credentials.createInsecure())
const asIs = (bytes: Buffer) => bytes
const call = client.makeBidiStreamRequest<Buffer, Buffer>(Attach.path, asIs, asIs)
call.on('data', () => {})
call.on('error', error => {
  process.stdout.write(`${error.message}\n`)
  process.exit(1)
})
const own = { hostId: `evil-${n}`, hostMac: `02:00:00:00:66:0${n}`, hostIp: `172.24.1.20${n}` }
call.write(Attach.requestSerialize({ registration: { ...identity, ...own, realServers: [] } }))
let sent = 0
const send = () => {
  for (;;) if (!call.write(ready[++sent % ready.length]!)) return void call.once('drain', send)
}
send()
setInterval(() => process.stdout.write(`${sent}\n`), 200)
