import { join } from 'node:path'
import test from 'ava'
import { badDocuments, directorOf } from '../../../agent/report/offer.ts'
import type { RegistrationRequest__Output } from '../../../shared/rpc/gen/crossport/v1/RegistrationRequest.ts'
import { tempDir } from '../cleanup.ts'
import { offer, recorder, rs, startDirector, startReporter } from './ends.ts'

const GOOD: RegistrationRequest__Output = {
  directorId: 'd1',
  directorMac: '02:00:00:00:01:00',
  recallMac: '0A:00:00:00:01:00',
  leaseMs: 15_000,
  connectionSeconds: 900,
  directorIp: '172.24.1.100',
  active: true,
}

test('what a director says of itself is taken, in one form', t => {
  t.deepEqual(directorOf(GOOD), {
    id: 'd1',
    mac: '02:00:00:00:01:00',
    recallMac: '0a:00:00:00:01:00',
    connectionSeconds: 900,
    hostIp: '172.24.1.100',
    leaseMs: 15_000,
    active: true,
  })
  const least = directorOf({ ...GOOD, recallMac: '', connectionSeconds: 0, directorIp: '', leaseMs: 0 })
  t.deepEqual(least, { id: 'd1', mac: '02:00:00:00:01:00', leaseMs: 300, active: true })
})

const BAD: readonly (readonly [Partial<RegistrationRequest__Output>, RegExp])[] = [
  [{ directorId: '' }, /refused: directorId must not be empty$/],
  [{ directorId: 'd'.repeat(257) }, /directorId must have at most 256 characters/],
  [{ directorMac: 'garbage' }, /directorMac must be a hardware address/],
  [{ directorMac: '' }, /directorMac must be a hardware address/],
  [{ directorMac: '03:00:00:00:01:00' }, /directorMac must be a unicast hardware address/],
  [{ recallMac: '0a:00:00:00:01' }, /recallMac /],
  [{ recallMac: GOOD.directorMac }, /recallMac must differ from directorMac/],
  [{ leaseMs: 4_294_967_295 }, /leaseMs /],
  [{ connectionSeconds: 4_294_967_295 }, /connectionSeconds /],
  [{ directorIp: '172.24.1.300' }, /directorIp /],
  [{ directorIp: '2001:db8::1' }, /directorIp /],
]

for (const [change, words] of BAD)
  test(`an offer with ${JSON.stringify(change).slice(0, 60)} is refused as a whole`, t => {
    const refused = directorOf({ ...GOOD, ...change })
    t.regex(typeof refused === 'string' ? refused : 'it was taken', words)
  })

test('service files whose place nobody could print or find are refused', t => {
  const services = (documents: { file: string; line: number; text: string }[]) => {
    return badDocuments({ documents, removed: [], revision: '1', base: '', piece: 0, more: false })
  }
  t.is(services([{ file: '/etc/crossport/services.d/web.yaml', line: 1, text: '' }]), undefined)
  t.regex(services([{ file: '', line: 1, text: '' }]) ?? '', /file must not be empty/)
  t.regex(services([{ file: 'a\u001b[2Jb', line: 1, text: '' }]) ?? '', /control characters/)
  t.regex(services([{ file: 'web.yaml', line: 0, text: '' }]) ?? '', /line /)
  t.regex(services([{ file: 'w'.repeat(5000), line: 1, text: '' }]) ?? '', /at most 4096/)
})

test('a director whose offer is bad is named, and nothing of it is taken; a good one mends it', async t => {
  const heard = recorder()
  const told = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  director.setOffer(offer({ directorMac: 'garbage' }, ['service: web']))
  const reporter = startReporter(t, director.address, told)
  reporter.update([rs])
  t.regex(await told.until(/^disconnected/), /offer is refused: directorMac must be a hardware address/)
  t.false(told.events.some(event => /^(director|services)/.test(event)))
  director.setOffer(offer({}, ['service: web']))
  t.is(await told.until(/^director/), 'director d1 02:00:00:00:01:00 6000 true')
  await told.until(/^registered/)
})
