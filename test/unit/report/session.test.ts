import test, { type ExecutionContext } from 'ava'
import { createSession } from '../../../agent/report/session.ts'
import type { AgentMessage } from '../../../shared/rpc/gen/crossport/v1/AgentMessage.ts'
import type { DirectorMessage__Output } from '../../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { identity, offer } from './ends.ts'

const LEASE = 15_000

/** A session that has registered, and whose director answers when the test says so. */
function scene(t: ExecutionContext) {
  const clock = fakeClock()
  const sent: AgentMessage[] = []
  const ends: string[] = []
  let who = identity
  const session = createSession({
    clock,
    handlers: { onDirector() {}, onServices() {}, onState() {} },
    truth: () => ({ identity: who, realServers: new Map(), whole: true, refused: [] }),
    send: message => sent.push(message),
    onAsked() {},
    onRegistered() {},
    lost: reason => {
      ends.push(reason)
      session.close()
    },
  })
  const receive = (message: object) => session.receive({ ...message } as DirectorMessage__Output)
  const answer = () => receive({ heartbeat: { sequence: sent.filter(({ heartbeat }) => heartbeat).length } })
  receive({ request: { recallMac: '', connectionSeconds: 0, directorIp: '', ...offer({ leaseMs: LEASE }).request } })
  answer()
  const change = (hostMac: string) => {
    who = { ...identity, hostMac }
    session.sync()
  }
  const registered = () => sent.flatMap(({ registration }) => registration?.hostMac ?? []).at(-1)
  t.teardown(() => session.close())
  return { clock, session, sent, ends, answer, change, registered }
}

test('a director that does not answer to a changed address is given up at once, for the stream may be held up', async t => {
  const { clock, ends, change, registered } = scene(t)
  change('02:ee:00:00:00:20')
  t.is(registered(), '02:ee:00:00:00:20')
  await clock.advance(499)
  t.deepEqual(ends, [])
  await clock.advance(1)
  t.deepEqual(ends, ['no answer from the director for 500 ms to a changed address of this host'])
  t.is(clock.pending, 0)
})

test('one that answers has heard of it', async t => {
  const { clock, ends, answer, change } = scene(t)
  change('02:ee:00:00:00:20')
  answer()
  change('02:ee:00:00:00:21')
  await clock.advance(400)
  answer()
  await clock.advance(LEASE / 3 - 401)
  t.deepEqual(ends, [])
})
