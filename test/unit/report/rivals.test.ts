import test from 'ava'
import { createRefused } from '../../../director/intake/refused.ts'
import { addressOf, refusal, type Speaker, speakerOf } from '../../../director/intake/rivals.ts'
import { fakeClock } from '../run/fake-clock.ts'

const LEASE = 6000

const speaker = (change: Partial<Speaker> = {}): Speaker => ({
  hostId: 'rs1',
  hostMac: '02:00:00:00:00:20',
  from: '172.24.1.20',
  bootId: 'a',
  runId: '',
  ...change,
})

test('who has a host id keeps it as long as it is heard, for one lease after that, and for its own machine at once', t => {
  const there = speaker()
  const other = speaker({ hostMac: '02:00:00:00:00:66', from: '172.24.1.66' })
  const reason = refusal(there, other, LEASE - 1, LEASE) ?? ''
  for (const name of ['172.24.1.20', '02:00:00:00:00:20', '172.24.1.66', '02:00:00:00:00:66', '"rs1"'])
    t.true(reason.includes(name), `${name} in: ${reason}`)
  t.is(refusal(there, other, LEASE, LEASE), undefined)
  t.is(refusal(there, speaker(), 1, LEASE), undefined)
  // Either alone may be a copy: of a disk image, or behind one address.
  t.is(typeof refusal(there, speaker({ from: '172.24.1.66', bootId: 'b' }), 1, LEASE), 'string')
  t.is(typeof refusal(speaker({ bootId: '' }), speaker({ from: '172.24.1.66', bootId: '' }), 1, LEASE), 'string')
  t.is(refusal(there, speaker({ from: '172.24.1.66' }), 1, LEASE), undefined, 'its own, from another address')
  t.is(typeof refusal(there, speaker({ hostMac: '02:00:00:00:00:66' }), 1, LEASE), 'string')
  const moved = { hostMac: '02:ee:00:00:00:20', from: '172.24.1.70', runId: 'r' }
  t.is(refusal(speaker({ runId: 'r' }), speaker(moved), 1, LEASE), undefined, 'the same run, with other addresses')
  t.is(typeof refusal(speaker({ runId: 'q' }), speaker(moved), 1, LEASE), 'string')
})

test('an agent is known by the address that it dials from, whatever the port', t => {
  const report = { hostId: 'rs1', hostMac: '02:00:00:00:00:20', hostIp: '', version: '1', realServers: new Map() }
  t.is(
    speakerOf(
      report,
      { bootId: '', runId: '' },
      { name: undefined, address: addressOf('172.24.1.20:40112', '0.0.0.0:7473') },
    ).from,
    '172.24.1.20',
  )
  t.is(
    speakerOf(
      report,
      { bootId: '', runId: '' },
      { name: undefined, address: addressOf('[fd00::20]:40112', '[::]:7473') },
    ).from,
    '[fd00::20]',
  )
  t.is(addressOf('unknown', 'unix:/run/x.sock'), 'unix:/run/x.sock')
})

test('who was refused is shown until it has not dialled for a while, or the host id is given to somebody', async t => {
  const clock = fakeClock()
  let changes = 0
  const refused = createRefused(clock, () => changes++)
  const rival = { code: 'HOST_ID_TAKEN', hostId: 'rs1', peer: '10.0.0.1', reason: 'another' } as const
  t.is(refused.put(rival), 'new')
  await clock.advance(20_000)
  t.is(refused.put(rival), 'known')
  await clock.advance(29_000)
  t.deepEqual(refused.list(), [rival])
  await clock.advance(1000)
  t.deepEqual(refused.list(), [])
  refused.put(rival)
  refused.settled('rs2')
  t.is(refused.list().length, 1)
  refused.settled('rs1')
  t.deepEqual(refused.list(), [])
  t.is(changes, 4)
  t.is(clock.pending, 0)
})

test('one peer hides no other: it has a few places in the list, and who finds no place is told of, too', t => {
  const clock = fakeClock()
  const refused = createRefused(clock, () => {})
  const at = (peer: string, n: number) =>
    refused.put({ code: 'HOST_ADDRESS_TAKEN', hostId: `rs${n}`, peer, reason: `${peer} is refused as rs${n}` })
  const said = Array.from({ length: 300 }, (_, n) => at('10.0.0.66', n))
  t.is(said.filter(one => one === 'new').length, refused.list().length)
  t.is(said.at(-1), 'share full')
  t.is(at('10.0.0.66', 0), 'known')
  t.is(at('10.0.0.1', 1), 'new')
  t.true(refused.list().some(({ peer }) => peer === '10.0.0.1'))
  for (let n = 0; n < 1000; n++) at(`10.0.1.${n}`, n)
  t.is(at('10.0.0.2', 1), 'list full')
  refused.close()
})
