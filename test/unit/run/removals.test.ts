import test from 'ava'
import { createRemovals } from '../../../shared/run/removals.ts'

const gone = (key: string, item: number) => ({ key, item, back: false })

test('each outlet takes a removal once; it is forgotten when all have taken it', t => {
  const removals = createRemovals<number>(['accounts', 'releaser'])
  removals.put('a', 1)
  removals.put('b', 2)
  t.deepEqual(removals.pending('accounts'), [gone('a', 1), gone('b', 2)])
  t.deepEqual(removals.pending('accounts'), [gone('a', 1), gone('b', 2)], 'asked is not taken')
  removals.taken('accounts', removals.pending('accounts'))
  t.deepEqual(removals.pending('accounts'), [])
  t.deepEqual(removals.pending('releaser'), [gone('a', 1), gone('b', 2)])
  t.true(removals.has('a'))
  removals.taken('releaser', removals.pending('releaser').slice(0, 1))
  t.false(removals.has('a'))
  t.true(removals.has('b'))
})

test('what is back is told as back, and only to those who had not taken its removal', t => {
  const removals = createRemovals<number>(['accounts', 'releaser'])
  removals.put('a', 1)
  removals.taken('accounts', removals.pending('accounts'))
  removals.back('a')
  removals.back('never gone')
  t.deepEqual(removals.pending('accounts'), [])
  t.deepEqual(removals.pending('releaser'), [{ key: 'a', item: 1, back: true }])
  removals.put('a', 2)
  t.deepEqual(removals.pending('accounts'), [gone('a', 2)], 'it went once more')
  t.deepEqual(removals.pending('releaser'), [gone('a', 2)])
})

test('what goes or comes back while an outlet is at work stays for the next time', t => {
  const removals = createRemovals<number>(['guest'])
  removals.put('a', 1)
  removals.put('b', 1)
  removals.put('c', 1)
  const work = removals.pending('guest')
  removals.put('a', 2)
  removals.back('b')
  removals.taken('guest', work)
  t.deepEqual(removals.pending('guest'), [{ key: 'b', item: 1, back: true }, gone('a', 2)])
})

test('an outlet that comes later takes later removals; an unknown one is an error', t => {
  const removals = createRemovals<number>()
  removals.put('a', 1)
  t.false(removals.has('a'), 'nobody has to take it')
  removals.register('report')
  removals.put('b', 1)
  t.deepEqual(removals.pending('report'), [gone('b', 1)])
  t.throws(() => removals.pending('guest'), { message: /no outlet is called guest/ })
})

test('a name is registered once; what an outlet that is gone has not taken is forgotten', t => {
  const removals = createRemovals<number>(['accounts'])
  removals.register('releaser')
  t.throws(() => removals.register('releaser'), { message: /releaser/ })
  removals.put('a', 1)
  removals.taken('accounts', removals.pending('accounts'))
  t.true(removals.has('a'))
  removals.unregister('releaser')
  t.false(removals.has('a'))
  removals.register('releaser')
  t.deepEqual(removals.pending('releaser'), [])
})
