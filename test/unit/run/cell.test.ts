import test from 'ava'
import { createCell, createTopic } from '../../../shared/run/cell.ts'

test('a cell holds the newest value, and tells of each that is another', t => {
  const cell = createCell<number | undefined>(undefined)
  const seen: (number | undefined)[] = []
  const stop = cell.subscribe(() => seen.push(cell.get()))
  cell.set(1)
  cell.set(1)
  cell.set(Number.NaN)
  cell.set(Number.NaN)
  cell.set(2)
  stop()
  cell.set(3)
  t.deepEqual(seen, [1, Number.NaN, 2])
  t.is(cell.get(), 3)
})

test('listeners hear in the order in which they came; one that has left meanwhile does not hear', t => {
  const topic = createTopic<string>()
  const heard: string[] = []
  const second = (event: string) => heard.push(`second ${event}`)
  topic.subscribe(event => {
    heard.push(`first ${event}`)
    leave()
  })
  const leave = topic.subscribe(second)
  topic.subscribe(event => heard.push(`third ${event}`))
  topic.publish('a')
  t.deepEqual(heard, ['first a', 'third a'])
})

test('one that comes while others are told hears of the next event only', t => {
  const topic = createTopic<number>()
  const heard: number[] = []
  const stop = topic.subscribe(() => {
    stop()
    topic.subscribe(event => heard.push(event))
  })
  topic.publish(1)
  topic.publish(2)
  t.deepEqual(heard, [2])
})

test('the same function may listen twice, and leaves once for each', t => {
  const topic = createTopic<void>()
  let calls = 0
  const hear = () => {
    calls++
  }
  const stop = topic.subscribe(hear)
  topic.subscribe(hear)
  topic.publish()
  stop()
  topic.publish()
  t.is(calls, 3)
})

test('a listener that throws keeps the event from no other, and whoever told it gets the error', t => {
  const cell = createCell(1)
  const heard: string[] = []
  const stop = cell.subscribe(() => {
    throw new Error('first')
  })
  cell.subscribe(() => heard.push(`second ${cell.get()}`))
  t.throws(() => cell.set(2), { message: 'first' })
  t.deepEqual(heard, ['second 2'])
  cell.subscribe(() => {
    throw new Error('third')
  })
  const both = t.throws(() => cell.set(3), { instanceOf: AggregateError })
  t.deepEqual(
    both.errors.map(({ message }) => message),
    ['first', 'third'],
  )
  stop()
  t.throws(() => cell.set(4), { message: 'third' })
  t.deepEqual(heard, ['second 2', 'second 3', 'second 4'])
})
