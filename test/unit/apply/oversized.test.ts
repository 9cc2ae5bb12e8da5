import test from 'ava'
import { createApplier } from '../../../shared/apply/apply.ts'
import type { Compiled } from '../../../shared/flows/compiled.ts'
import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { openSwitch, type Switch } from '../../../shared/switch/session.ts'
import { startOpenVswitch } from '../../segment/open-vswitch.ts'
import { cleanupOf } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'

const flow = (n: number, outputs = 1): Flow => ({
  table: 0,
  priority: 100,
  cookie: encodeCookie('agent', 'request', n),
  match: { eth_type: 0x800, ip_proto: 6, tcp_dst: n },
  actions: Array.from({ length: outputs }, () => ({ type: 'output', port: PORT.LOCAL })),
})

const compiled = (objects: Record<string, Flow>): Compiled =>
  new Map(
    Object.entries(objects).map(([object, one]) => [
      object,
      { signature: `${one.actions.length}`, flows: () => [one] },
    ]),
  )

// No service file leads to such a flow, because none of the agent's flows grows with its input.
test('a flow that fits no OpenFlow message takes its object alone out, on a real switch', async t => {
  t.timeout(60_000)
  const ovs = await startOpenVswitch(cleanupOf(t))
  const sw = await new Promise<Switch>(resolve => {
    const opened = openSwitch({
      bridge: ovs.bridge,
      owner: 'agent',
      rundir: ovs.rundir,
      log: memoryLog(),
      clock: systemClock,
      handlers: { onUp: () => queueMicrotask(() => resolve(opened)), onDown: () => {}, onDrift: () => {} },
    })
    t.teardown(() => opened.close())
  })
  const applier = createApplier({ log: memoryLog(), clock: systemClock })
  const installed = async () => (await sw.readInstalled()).flows.map(({ match }) => match.tcp_dst).sort()
  await applier.apply(compiled({ a: flow(1), b: flow(2, 5000), c: flow(3) }), sw)
  t.deepEqual(await installed(), [1, 3])
  t.is(applier.quarantined[0]?.object, 'b')
  t.regex(applier.quarantined[0]?.reason ?? '', /bytes do not fit one OpenFlow message/)
  await applier.apply(compiled({ a: flow(1), b: flow(2, 2), c: flow(3) }), sw)
  t.deepEqual(await installed(), [1, 2, 3])
  t.deepEqual(applier.quarantined, [])
  await applier.apply(compiled({ a: flow(1), b: flow(2, 5000), c: flow(3) }), sw)
  t.deepEqual(await installed(), [1, 2, 3], 'what it had before stays in force')
})
