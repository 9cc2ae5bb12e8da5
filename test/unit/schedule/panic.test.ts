import test from 'ava'
import type { VirtualService } from '../../../director/registry/services.ts'
import type { RealServer } from '../../../director/registry/types.ts'
import { keptInPanic, panicOf } from '../../../director/schedule/panic.ts'

type State = RealServer['state']

/** Real servers by their states; `!` fails its check. */
function servers(states: readonly (State | '!')[], panic = 60, weight = 1): RealServer[] {
  return states.map((state, n) => ({
    id: `h/${n}`,
    service: 'web',
    weight,
    ...(state === '!' ? { state: 'down', panic } : { state }),
  })) as unknown as RealServer[]
}

const states = (realServers: readonly RealServer[]) =>
  keptInPanic({ realServers } as unknown as VirtualService).realServers.map(rs => rs.state)

test('from the given share on, those that fail their checks are kept', t => {
  t.is(panicOf(servers(['!', '!', 'ready', 'ready'])), undefined)
  t.deepEqual(states(servers(['!', '!', 'ready', 'ready'])), ['down', 'down', 'ready', 'ready'])
  t.deepEqual(panicOf(servers(['!', '!', '!', 'ready', 'ready'])), { failing: 3, of: 5, from: 60 })
  t.deepEqual(states(servers(['!', '!', '!', 'ready', 'ready'])), Array(5).fill('ready'))
})

test('a sorry server is no reason to panic, and goes before keeping all where all have failed', t => {
  const sorry = { ...servers(['ready'])[0]!, terms: { upper: 0, lower: 0, sorry: true } }
  t.is(panicOf([...servers(['!', '!'], 100), sorry]), undefined)
  t.deepEqual(panicOf([...servers(['!', 'ready'], 50), sorry]), { failing: 1, of: 2, from: 50 })
})

test('what is down for another reason, not ready yet, or drained neither counts nor comes back', t => {
  t.deepEqual(states(servers(['!', '!', 'down', 'lost', 'pending'])), ['ready', 'ready', 'down', 'lost', 'pending'])
  t.is(panicOf(servers(['!', '!'], 60, 0)), undefined)
  t.is(panicOf(servers(['down', 'down'])), undefined)
  t.is(panicOf([]), undefined)
})
