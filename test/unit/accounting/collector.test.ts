import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { startCollector } from '../../../director/accounting/collector.ts'
import { createExporterCheck, portsConnectedTo } from '../../../director/accounting/exporter.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { memoryLog } from '../run/memory-log.ts'

const vectors = JSON.parse(readFileSync(new URL('vswitchd.json', import.meta.url), 'utf8')) as Record<string, string>
const template = Buffer.from(vectors.template!, 'hex')
const record = (sequence: number) => {
  const message = Buffer.from(vectors.record!, 'hex')
  message.writeUInt32BE(sequence, 8)
  return message
}

async function collecting(t: ExecutionContext, owner: () => number | undefined = () => process.getuid!()) {
  const log = memoryLog()
  const seen = { records: 0, lost: [] as number[] }
  const collector = await startCollector({
    log,
    clock: systemClock,
    owner,
    onRecord: () => seen.records++,
    onLost: count => seen.lost.push(count),
  })
  t.teardown(() => collector.close())
  return { collector, seen, told: () => log.lines.some(line => /not from ovs-vswitchd/.test(line.message)) }
}

/** A socket that is connected to the collector, as vswitchd's is. */
async function exporterTo(t: ExecutionContext, port: number) {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  t.teardown(() => socket.close())
  return (message: Buffer) => new Promise<void>(resolve => socket.send(message, () => resolve()))
}

const until = async (done: () => boolean) => {
  while (!done()) await new Promise(resolve => setTimeout(resolve, 5))
}

test("records of the exporter's own socket are read, and gaps in their numbers are losses", async t => {
  const { collector, seen } = await collecting(t)
  const send = await exporterTo(t, collector.port)
  for (const message of [template, record(2), record(3), record(7)]) await send(message)
  await until(() => seen.records === 3)
  t.deepEqual(seen.lost, [3])
})

test('a number far away is that of an exporter that began anew, not of billions of losses', async t => {
  const { collector, seen } = await collecting(t)
  const send = await exporterTo(t, collector.port)
  for (const message of [template, record(2), record(0x80000000), record(2), record(3)]) await send(message)
  await until(() => seen.records === 4)
  t.deepEqual(seen.lost, [1])
})

test('an exporter that opens its socket anew is read from its first datagram on', async t => {
  const { collector, seen } = await collecting(t)
  for (let i = 0; i < 3; i++) {
    const send = await exporterTo(t, collector.port)
    if (i === 0) await send(template)
    await send(record(2 + i))
    await until(() => seen.records === i + 1)
    await new Promise(resolve => setTimeout(resolve, 60))
  }
  t.deepEqual(seen.lost, [])
})

test('a port that is new is looked for at once, one that is known now and then, and neither for every datagram', t => {
  let now = 0
  let looks = 0
  const line = (port: number) =>
    `  1: 0100007F:${port.toString(16).toUpperCase()} 0100007F:1283 01 0:0 00:0 0     0        0 1 2 0 0\n`
  let table = line(0x9c40)
  const sockets = () => {
    looks++
    return table
  }
  const isExporter = createExporterCheck({ clock: { now: () => now }, port: 0x1283, owner: () => 0, sockets })
  const from = (port: number) => isExporter({ address: '127.0.0.1', port })
  for (now = 1000; now < 2000; now++) t.true(from(0x9c40))
  t.true(from(0x9c40))
  t.is(looks, 5)
  table = line(0x9c41)
  t.true(from(0x9c41))
  t.true(from(0x9c40), 'it may have been sent before that socket was closed')
  t.is(looks, 6)
  now += 250
  t.false(from(0x9c40))
  t.is(looks, 7)
  now += 60_000
  table = ''
  t.false(from(0x9c41), 'whoever has the port now, it is not the socket of a minute ago')
  looks = 7
  for (now = 63_000; now < 64_000; now++) t.false(from(0x9c42))
  t.is(looks, 27)
})

test('a socket that is not connected, of another address or of an unknown user, is a stranger', async t => {
  const { collector, seen, told } = await collecting(t)
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const elsewhere = createSocket('udp4')
  elsewhere.bind(0, '127.0.0.2')
  await once(elsewhere, 'listening')
  t.teardown(() => {
    socket.close()
    elsewhere.close()
  })
  for (const message of [template, record(1000)]) {
    socket.send(message, collector.port, '127.0.0.1')
    elsewhere.send(message, collector.port, '127.0.0.1')
  }
  await until(told)
  const unknown = await collecting(t, () => undefined)
  const send = await exporterTo(t, unknown.collector.port)
  await send(template)
  await until(unknown.told)
  t.deepEqual(
    [seen, unknown.seen],
    [
      { records: 0, lost: [] },
      { records: 0, lost: [] },
    ],
  )
})

const asRoot = process.getuid!() === 0 ? test : test.skip
asRoot('another user of this machine cannot forge records, whatever port they send from', async t => {
  const { collector, seen, told } = await collecting(t)
  const forge = `
    const socket = require('node:dgram').createSocket('udp4')
    const messages = ${JSON.stringify([vectors.template, record(1_000_000).toString('hex')])}
    socket.connect(${collector.port}, '127.0.0.1', () => {
      for (let i = 0; i < 200; i++) for (const hex of messages) socket.send(Buffer.from(hex, 'hex'))
      setTimeout(() => socket.close(), 300)
    })`
  const stranger = spawn('/proc/self/exe', ['-e', forge], { uid: 65534, gid: 65534, cwd: '/', stdio: 'inherit' })
  await once(stranger, 'exit')
  t.is(stranger.exitCode, 0)
  await until(told)
  t.deepEqual(seen, { records: 0, lost: [] })

  const send = await exporterTo(t, collector.port)
  await send(template)
  await send(record(2))
  await until(() => seen.records === 1)
  t.deepEqual(seen, { records: 1, lost: [] })
})

test("the kernel's table of sockets: connected ones of this user to this port, and no others", t => {
  const line = (local: string, remote: string, state: string, uid: number) =>
    `  530: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${String(uid).padStart(4)}        0 28873 2 0000000000000000 0        \n`
  const table =
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n' +
    line('0100007F:9C40', '0100007F:1283', '01', 0) +
    line('0100007F:9C41', '0100007F:1283', '01', 1000) +
    line('0100007F:9C42', '0100007F:1284', '01', 0) +
    line('0200007F:9C43', '0100007F:1283', '01', 0) +
    line('0100007F:9C44', '00000000:0000', '07', 0)
  t.deepEqual([...portsConnectedTo(table, 0x1283, 0)], [0x9c40])
  t.deepEqual([...portsConnectedTo(table, 0x1283, 1000)], [0x9c41])
})
