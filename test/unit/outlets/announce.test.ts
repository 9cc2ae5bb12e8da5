import test from 'ava'
import { createAnnouncer } from '../../../director/outlets/announce.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { SITE } from '../director/site.ts'
import { fakeClock } from '../run/fake-clock.ts'

test('a new VIP is announced twice; one that is gone is not announced again', async t => {
  const clock = fakeClock()
  const announcer = createAnnouncer({ log: quiet, clock })
  let sent = 0
  const sw = { packetOut: async () => void sent++ }
  const tell = async (...vips: string[]) => {
    announcer.announce(sw, new Set(vips), SITE, false)
    await clock.advance(100)
  }
  await tell('10.10.1.100', '10.10.1.101')
  t.is(sent, 2)
  await tell('10.10.1.100')
  await clock.advance(5000)
  t.is(sent, 3)
  await tell('10.10.1.100')
  await clock.advance(5000)
  t.is(sent, 3)
  await tell('10.10.1.100', '10.10.1.101')
  announcer.close()
  await clock.advance(5000)
  t.is(sent, 4)
})
