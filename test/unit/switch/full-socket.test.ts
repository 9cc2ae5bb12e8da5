import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { systemClock } from '../../../shared/run/clock.ts'
import { openSwitch } from '../../../shared/switch/session.ts'
import { memoryLog } from '../run/memory-log.ts'
import { startFakeSwitch } from './fake-switch.ts'

test('however many wait for a switch that does not read, the socket is listened to once', async t => {
  const warnings: string[] = []
  const warned = ({ name }: Error) => void warnings.push(name)
  process.on('warning', warned)
  t.teardown(() => process.off('warning', warned))

  let hangUp = () => {}
  const fake = await startFakeSwitch(t, (message, peer) => {
    hangUp = peer.hangUp
    if (message.name === 'packet-out') peer.stopReading()
    else peer.answer(message)
  })
  const { promise: up, resolve } = Promise.withResolvers<void>()
  const handlers = { onUp: resolve, onDown: () => {}, onDrift: () => {} }
  const sw = openSwitch({
    bridge: 'br0',
    owner: 'agent',
    rundir: fake.rundir,
    log: memoryLog(),
    clock: systemClock,
    handlers,
  })
  t.teardown(() => sw.close())
  await up
  const data = Buffer.alloc(60_000)
  const sent = Array.from({ length: 50 }, () => sw.packetOut({ actions: [], data }).catch(() => {}))
  await setImmediate()
  await setImmediate()
  hangUp()
  await Promise.all(sent)
  t.deepEqual(warnings, [])
})
