import test from 'ava'
import type { RealServer } from '../../../director/registry/types.ts'
import { live } from '../../../director/schedule/lives.ts'
import { observe, type Thresholds } from '../../../director/schedule/load.ts'
import { type Knowledge, schedule } from '../../../director/schedule/schedule.ts'
import { farm, rs, rush } from './fixture.ts'

const slots = (realServers: readonly RealServer[], knowledge: Knowledge, options = {}) =>
  schedule({ scheduler: 'wrr', realServers, options }, { ...knowledge, load: rush(realServers) }).shares.map(
    share => share.slots,
  )

test('slow start: a newcomer begins with a twentieth and ends with all of its share; those of before are not slowed', t => {
  const [old, newcomer] = farm([1, 1]) as [RealServer, RealServer]
  const before = live(undefined, [old], 1000)
  const lives = live(before, [old, newcomer], 2000)
  const options = { slowStart: 10 }
  const at = (now: number) => slots([old, newcomer], { now, lives }, options)
  t.deepEqual(at(2000), [244, 12])
  t.deepEqual(at(7000), [171, 85])
  t.deepEqual(at(12_000), [128, 128])
  t.deepEqual(at(50_000), [128, 128])
  // At the first call of a process no real server is new.
  t.deepEqual(slots([old, newcomer], { now: 5, lives: live(undefined, [old, newcomer], 5) }, options), [128, 128])
})

test('a real server that comes back starts slowly again; one that stays does not', t => {
  const [one, two] = farm([1, 1]) as [RealServer, RealServer]
  const first = live(undefined, [one, two], 0)
  const gone = live(first, [one, { ...two, state: 'down' }], 10)
  const back = live(gone, [one, two], 20)
  t.is(back.get(one.id), first.get(one.id))
  t.deepEqual(back.get(two.id), { phase: 'serving', since: 20 })
})

test('drain: established connections go on until drainTimeout is over', t => {
  const drained = rs('a', { state: 'draining', weight: 0 })
  const lives = live(undefined, [drained, rs('b')], 1000)
  const established = (now: number, options: object) =>
    schedule({ scheduler: 'rr', realServers: [drained, rs('b')], options }, { now, lives }).established.map(e => e.id)
  t.deepEqual(established(10_999, { drainTimeout: 10 }), ['a', 'b'])
  t.deepEqual(established(11_000, { drainTimeout: 10 }), ['b'])
  t.deepEqual(established(1e9, {}), ['a', 'b'])
})

test('onFailure: the connections of one that is down go on only with keep', t => {
  const established = (onFailure: 'reset' | 'keep') =>
    schedule({ scheduler: 'rr', realServers: [rs('a', { state: 'down' })], options: { onFailure } }).established
  t.deepEqual(established('reset'), [])
  t.deepEqual(established('keep'), [{ id: 'a', newConnections: false }])
})

test('a sorry server serves only when nobody else can', t => {
  const sorry = rs('z', { terms: { upper: 0, lower: 0, sorry: true } })
  const of = (list: RealServer[]) => schedule({ scheduler: 'rr', realServers: list, options: {} }).turns?.order
  t.deepEqual(of([rs('a'), sorry]), ['a'])
  t.deepEqual(of([rs('a', { state: 'down' }), sorry]), ['z'])
  t.deepEqual(of([rs('a', { weight: 0 }), sorry]), ['z'])
})

function loadOf(
  active: number,
  before?: ReturnType<typeof observe>,
  thresholds: Thresholds = { upper: 100, lower: 0 },
) {
  const counters = new Map([['a', { opened: 1000, ended: 1000 - active }]])
  return observe(before, { at: (before?.at ?? 0) + 100, epoch: '', counters, servers: new Map([['a', thresholds]]) })
}

test('thresholds: full at the upper one, open again below the lower one, or below three quarters (ipvsadm(8))', t => {
  const full = loadOf(100)
  t.true(full.servers.get('a')?.full)
  t.true(loadOf(75, full).servers.get('a')?.full)
  t.false(loadOf(74, full).servers.get('a')?.full)
  t.false(loadOf(99).servers.get('a')?.full)
  t.true(
    loadOf(50, loadOf(100, undefined, { upper: 100, lower: 50 }), { upper: 100, lower: 50 }).servers.get('a')?.full,
  )
  t.false(loadOf(49, full, { upper: 100, lower: 50 }).servers.get('a')?.full)
  t.is(schedule({ scheduler: 'rr', realServers: [rs('a')], options: {} }, { now: 0, load: full }).turns, undefined)
})

test('counters that begin anew, because the switch was restarted, do no harm', t => {
  const before = loadOf(300)
  const counters = new Map([['a', { opened: 5, ended: 1 }]])
  const after = observe(before, { at: 300, epoch: '', counters, servers: new Map([['a', undefined]]) })
  t.is(after.servers.get('a')?.active, 4)
  t.is(after.servers.get('a')?.opened, 5)
})

test('UDP: flows fade out within the idle time-out', t => {
  const read = (at: number, opened: number, before?: ReturnType<typeof observe>) =>
    observe(before, {
      at,
      epoch: '',
      counters: new Map([['a', { opened, ended: 0 }]]),
      servers: new Map([['a', undefined]]),
      idleMs: 10_000,
    })
  const first = read(1000, 0)
  const busy = read(1100, 50, first)
  t.is(busy.servers.get('a')?.active, 50)
  t.true(read(11_100, 50, busy).servers.get('a')!.active < 20)
  t.true(read(61_100, 50, busy).servers.get('a')!.active < 1)
})
