import test from 'ava'
import fc from 'fast-check'
import { createMerger, mergeServices } from '../../../shared/config/merge.ts'
import type { ServiceSpec } from '../../../shared/config/service.ts'
import { spec } from '../real-servers/fixtures.ts'

const any = (origin: 'file' | 'director') =>
  fc
    .record({
      service: fc.constantFrom('a', 'b', 'c', 'd'),
      port: fc.integer({ min: 80, max: 84 }),
      rsPort: fc.integer({ min: 8080, max: 8084 }),
    })
    .map(({ service, port, rsPort }) =>
      spec({
        service,
        port,
        realServers: [{ vm: 'web-*', port: rsPort, weight: 1 }],
        source: { origin, file: `${service}.yaml`, line: 1 },
      }),
    )

const byName = (specs: readonly ServiceSpec[]) => new Map(specs.map(one => [one.service, one]))

test('in whatever way host and director change their services, the incremental merge is the full one', t => {
  const come = any('file').map(one => ({ from: 'host' as const, one }))
  const step = fc.oneof(
    come,
    any('director').map(one => ({ from: 'director' as const, one })),
    fc.constantFrom('a', 'b', 'c', 'd').map(gone => ({ from: 'host' as const, gone })),
    fc.constantFrom('a', 'b', 'c', 'd').map(gone => ({ from: 'director' as const, gone })),
  )
  fc.assert(
    fc.property(fc.array(come, { maxLength: 3 }), fc.array(step, { minLength: 1, maxLength: 20 }), (initial, steps) => {
      const lists = { host: [] as ServiceSpec[], director: [] as ServiceSpec[] }
      const before = initial.map(({ one }) => one)
      let inForce: readonly ServiceSpec[] = [...byName(before).values()]
      const merge = createMerger(inForce)
      for (const change of steps) {
        const map = byName(lists[change.from])
        if ('one' in change) map.set(change.one.service, change.one)
        else map.delete(change.gone)
        lists[change.from] = [...map.values()]
        const merged = merge(lists.host, lists.director)
        t.deepEqual(merged, mergeServices(lists.host, lists.director, inForce))
        inForce = merged.specs
      }
    }),
    { numRuns: 400 },
  )
})

const own = (service: string, changes: Partial<ServiceSpec> = {}) =>
  spec({ service, source: { origin: 'file', file: `/etc/${service}.yaml`, line: 3 }, ...changes })
const sent = (service: string, changes: Partial<ServiceSpec> = {}) =>
  spec({ service, source: { origin: 'director', file: `/d/${service}.yaml`, line: 1 }, ...changes })
const names = ({ specs }: { readonly specs: readonly ServiceSpec[] }) => specs.map(({ service }) => service)

test('what was in force first stays, whoever has it; the newcomer is named with what it overlaps', t => {
  const theirs = createMerger()
  t.deepEqual(names(theirs([], [sent('web')])), ['web'])
  const { specs, problems } = theirs([own('mine')], [sent('web')])
  t.deepEqual(names({ specs }), ['web'])
  t.deepEqual(problems, [
    {
      ...{ file: '/etc/mine.yaml', line: 3, column: 1, service: 'mine', lastGood: false },
      reason: "10.10.1.100 tcp port 80 already belongs to service 'web' in /d/web.yaml:1 (from the director)",
    },
  ])
  t.deepEqual(names(theirs([own('mine')], [])), ['mine'], 'it has its turn when the other is gone')
  t.deepEqual(names(theirs([own('mine')], [sent('web')])), ['mine'])

  const host = createMerger()
  t.deepEqual(names(host([own('mine')], [])), ['mine'])
  t.deepEqual(names(host([own('mine')], [sent('web')])), ['mine'])
})

test('over a restart, too', t => {
  t.deepEqual(names(createMerger([sent('web')])([own('mine')], [sent('web')])), ['web'])
  t.deepEqual(names(createMerger([own('mine')])([own('mine')], [sent('web')])), ['mine'])
  t.deepEqual(names(createMerger()([own('mine')], [sent('web')])), ['mine'], 'of two newcomers the host’s')
})

test('a change that overlaps leaves the version that was in force; a newcomer that was refused is in the way of no change', t => {
  const merge = createMerger()
  merge([own('mine', { port: 81, realServers: [{ vm: 'x', port: 1, weight: 1 }] })], [sent('web')])
  const moved = merge([own('mine', { realServers: [{ vm: 'x', port: 1, weight: 1 }] })], [sent('web')])
  t.deepEqual(
    moved.specs.map(({ service, port }) => `${service} ${port}`),
    ['mine 81', 'web 80'],
  )
  t.like(moved.problems[0], { service: 'mine', lastGood: true })
  const next = sent('web', { realServers: [{ vm: 'web-9', port: 8080, weight: 1 }] })
  const changed = merge([own('mine', { realServers: [{ vm: 'x', port: 1, weight: 1 }] })], [next])
  t.is(changed.specs[1], next)
  t.deepEqual(
    changed.problems.map(({ service }) => service),
    ['mine'],
  )
})

test('a host’s file of the same name is no newcomer: it takes the place of the director’s', t => {
  const merge = createMerger()
  merge([], [sent('web')])
  const mine = own('web', { realServers: [{ vm: 'mine', port: 9, weight: 1 }] })
  t.deepEqual(merge([mine], [sent('web')]), { specs: [mine], problems: [] })
})
