/**
 * Makes flows.json and groups.json: listens as a switch, lets ovs-ofctl send each line of flows.txt and groups.txt, and records
 * the bytes and the output of `ovs-ofctl ofp-print` for them.
 *
 * node test/unit/openflow/vectors/make.ts
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

const here = import.meta.dirname
const FLOW_MOD = 14
const GROUP_MOD = 15

const dir = mkdtempSync(join(tmpdir(), 'crossport-vectors-'))
const path = join(dir, 'switch')
const mods: Buffer[] = []

const reply = (type: number, request: Buffer, body = Buffer.alloc(0)): Buffer => {
  const header = Buffer.from([6, type, 0, 8 + body.length, 0, 0, 0, 0])
  request.copy(header, 4, 4, 8)
  return Buffer.concat([header, body])
}

const server = createServer(socket => {
  let rest: Buffer = Buffer.alloc(0)
  socket.write(Buffer.from('06000010000000010001000800000040', 'hex'))
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 8 && rest.length >= rest.readUInt16BE(2)) {
      const message = rest.subarray(0, rest.readUInt16BE(2))
      rest = rest.subarray(message.length)
      const type = message[1]
      if (type === 20) socket.write(reply(21, message))
      if (type === 2) socket.write(reply(3, message))
      if (type === FLOW_MOD || type === GROUP_MOD) mods.push(Buffer.from(message))
    }
  })
})
await new Promise<void>(resolve => server.listen(path, resolve))

const make = async (command: string, source: string, target: string): Promise<void> => {
  const lines = readFileSync(join(here, source), 'utf8').split('\n')
  const vectors: { written: string; text: string; bytes: string }[] = []
  for (const written of lines.filter(line => line !== '' && !line.startsWith('#'))) {
    mods.length = 0
    await execa('ovs-ofctl', ['-O', 'OpenFlow15', '--no-names', command, `unix:${path}`, written])
    const bytes = mods[0]!
    bytes.writeUInt32BE(1, 4)
    const { stdout } = await execa('ovs-ofctl', ['--no-names', 'ofp-print', bytes.toString('hex')])
    vectors.push({ written, text: stdout.replace(/^.*\(xid=0x1\):\s*/s, ''), bytes: bytes.toString('hex') })
  }
  writeFileSync(join(here, target), `${JSON.stringify(vectors, undefined, 2)}\n`)
}

try {
  await make('add-flow', 'flows.txt', 'flows.json')
  await make('add-flow', 'strangers.txt', 'strangers.json')
  await make('add-group', 'groups.txt', 'groups.json')
} finally {
  server.close()
  rmSync(dir, { recursive: true, force: true })
}
