import test from 'ava'
import fc from 'fast-check'
import type { RealServer } from '../../../director/registry/types.ts'
import { apportion, SLOTS } from '../../../director/schedule/apportion.ts'
import { schedule } from '../../../director/schedule/schedule.ts'
import type { Scheduler } from '../../../shared/config/service.ts'
import { rs, rush } from './fixture.ts'

const of = (scheduler: Scheduler, realServers: readonly RealServer[]) =>
  schedule({ scheduler, realServers, options: {} }, { now: 0, load: rush(realServers) })

const weights = fc.array(fc.integer({ min: 1, max: 65535 }), { minLength: 1, maxLength: 40 })

test('apportion uses every slot, gives everyone one, and keeps the order of the weights', t => {
  fc.assert(
    fc.property(weights, list => {
      const slots = apportion(list)
      t.is(
        slots.reduce((a, b) => a + b, 0),
        SLOTS,
      )
      t.true(slots.every(n => n >= 1 && Number.isInteger(n)))
      for (const [i, a] of list.entries())
        for (const [j, b] of list.entries()) if (a > b) t.true(slots[i]! >= slots[j]!, `${list} → ${slots}`)
    }),
  )
})

test('apportion is off by less than one slot where nobody is below one', t => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 100, max: 400 }), { minLength: 1, maxLength: 40 }), list => {
      const total = list.reduce((a, b) => a + b, 0)
      for (const [i, slots] of apportion(list).entries()) {
        t.true(Math.abs(slots - (list[i]! / total) * SLOTS) < 1, `${list}`)
      }
    }),
  )
})

test('more real servers than slots: one each, to as many as there are', t => {
  t.deepEqual(apportion(Array(300).fill(7)), [...Array(256).fill(1), ...Array(44).fill(0)])
  t.deepEqual(apportion([]), [])
})

test('rr ignores weights, wrr follows them', t => {
  const servers = [rs('a', { weight: 1 }), rs('b', { weight: 3 })]
  t.deepEqual(
    of('rr', servers).shares.map(share => share.slots),
    [128, 128],
  )
  t.deepEqual(
    of('wrr', servers).shares.map(share => share.slots),
    [64, 192],
  )
})

test('only ready real servers with a weight get new connections', t => {
  const servers = [
    rs('ready'),
    rs('drained', { weight: 0 }),
    rs('draining', { state: 'draining', weight: 0 }),
    rs('pending', { state: 'pending' }),
    rs('down', { state: 'down' }),
    rs('lost', { state: 'lost' }),
  ]
  const { shares, established } = of('rr', servers)
  t.deepEqual(shares, [{ id: 'ready', slots: SLOTS }])
  t.deepEqual(established, [
    { id: 'ready', newConnections: true },
    { id: 'drained', newConnections: false },
    { id: 'draining', newConnections: false },
    { id: 'pending', newConnections: false },
    { id: 'lost', newConnections: false },
  ])
})

test('nobody ready: no shares', t => {
  t.deepEqual(of('wlc', [rs('a', { state: 'pending' })]).shares, [])
})
