import test from 'ava'
import fc from 'fast-check'
import { CrossportError } from '../../../shared/errors.ts'
import { createFramer } from '../../../shared/openflow/framer.ts'
import { encodeEchoRequest, encodeHello } from '../../../shared/openflow/messages.ts'

test('messages come out whole, however the stream is cut', t => {
  const message = fc.uint8Array({ maxLength: 300 }).map(data => encodeEchoRequest(7, data))
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 40 })), (messages, cuts) => {
      const stream = Buffer.concat(messages)
      const framer = createFramer()
      const out: string[] = []
      let at = 0
      for (const cut of [...cuts, stream.length]) {
        out.push(...framer.push(stream.subarray(at, at + cut)).map(found => found.toString('hex')))
        at += cut
      }
      t.deepEqual(
        out,
        messages.map(sent => sent.toString('hex')),
      )
    }),
  )
})

test('a length that cannot be ends the stream', t => {
  const short = Buffer.from('0600000700000001', 'hex')
  t.throws(() => createFramer().push(short), { instanceOf: CrossportError, code: 'OPENFLOW_MALFORMED' })
  const framer = createFramer()
  t.is(framer.push(encodeHello(1)).length, 1)
  t.deepEqual(framer.push(short.subarray(0, 7)), [])
  t.throws(() => framer.push(short.subarray(7)), { code: 'OPENFLOW_MALFORMED' })
})

test('nothing above the cap is waited for', t => {
  const header = Buffer.from('060a010100000001', 'hex')
  t.deepEqual(createFramer().push(header), [])
  t.throws(() => createFramer(256).push(header), { code: 'OPENFLOW_MALFORMED' })
})
