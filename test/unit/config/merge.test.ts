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
  const step = fc.oneof(
    any('file').map(one => ({ from: 'host' as const, one })),
    any('director').map(one => ({ from: 'director' as const, one })),
    fc.constantFrom('a', 'b', 'c', 'd').map(gone => ({ from: 'host' as const, gone })),
    fc.constantFrom('a', 'b', 'c', 'd').map(gone => ({ from: 'director' as const, gone })),
  )
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), steps => {
      const lists = { host: [] as ServiceSpec[], director: [] as ServiceSpec[] }
      const merge = createMerger()
      for (const change of steps) {
        const map = byName(lists[change.from])
        if ('one' in change) map.set(change.one.service, change.one)
        else map.delete(change.gone)
        lists[change.from] = [...map.values()]
        t.deepEqual(merge(lists.host, lists.director), mergeServices(lists.host, lists.director))
      }
    }),
    { numRuns: 400 },
  )
})
