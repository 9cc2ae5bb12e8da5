import test from 'ava'
import { createInbox } from '../../../shared/run/inbox.ts'

test('an inbox hands out each value once; what is put in later is for the next time', t => {
  const inbox = createInbox<string>()
  inbox.put(['a', 'b'])
  inbox.put(['a'])
  const taken = inbox.takeAll()
  inbox.put(['c'])
  t.deepEqual([...taken], ['a', 'b'])
  t.deepEqual([...inbox.takeAll()], ['c'])
  t.deepEqual([...inbox.takeAll()], [])
})
