import test from 'ava'
import { createLinger } from '../../../director/offer/linger.ts'
import { fromSpec, type VirtualService } from '../../../director/registry/services.ts'
import type { RealServer } from '../../../director/registry/types.ts'
import { parseServiceFile } from '../../../shared/config/parse.ts'
import { fakeClock } from '../run/fake-clock.ts'

const text = (name: string, vms: string) =>
  `service: ${name}\nvip: 10.10.1.${name.length}\nport: 80\ndrainTimeout: 10\ncheck: { type: tcp, interval: 1500ms, hold: 20 }\npassive: { retry: 5s }\nrealServers: [{ vm: '${vms}', port: 80 }]\n`

const rs = (vm: string, state: RealServer['state'] = 'ready'): RealServer => ({
  id: `h/${vm}`,
  service: 'web',
  vip: '10.10.1.3',
  protocol: 'tcp',
  vipPort: 80,
  ingressPort: 80,
  rsPort: 80,
  vm,
  vmUuid: `uuid-${vm}`,
  weight: 1,
  state,
  reason: '',
  scheduler: 'wlc',
  hostId: 'h',
  hostMac: '02:00:00:00:00:20',
  hostIp: '172.24.1.20',
})

function setUp(vms: string) {
  const files = [parseServiceFile(text('web', vms), 'web.yaml'), parseServiceFile(text('other', 'x'), 'other.yaml')]
  const documents = files.flatMap(file => file.documents)
  const specs = files.flatMap(file => file.specs)
  const service = (...list: RealServer[]): VirtualService => fromSpec(specs[0]!, list)
  return { documents, specs, service }
}

test('who was taken out of the file stays in the documents for drainTimeout, and nothing else is another object', async t => {
  const clock = fakeClock()
  const marks: string[] = []
  const linger = createLinger(clock, reason => marks.push(reason))
  const whole = setUp('vm-*')
  const before = linger.amend({ ...whole, altered: [whole.service(rs('vm-1'), rs('vm-2'))], gone: [] })
  t.is(before, whole.documents)

  const { documents, specs, service } = setUp('vm-1')
  const amended = linger.amend({ documents, specs, altered: [service(rs('vm-1'), rs('vm-2'))], gone: [] })
  t.is(amended[1], documents[1])
  const asSent = parseServiceFile(amended[0]!.text, 'web.yaml').specs[0]!
  t.deepEqual([asSent.check, asSent.passive], [specs[0]!.check, specs[0]!.passive], 'all else is as in the file')
  t.deepEqual(
    asSent.realServers.map(({ vm, port, weight }) => [vm, port, weight]),
    [
      ['vm-1', 80, 1],
      ['uuid-vm-2', 80, 0],
    ],
  )
  await clock.advance(9000)
  t.is(linger.amend({ documents, specs, altered: [], gone: [] }), amended, 'the same list while nothing changes')
  t.is(
    linger.amend({ documents, specs, altered: [service(rs('vm-1'), rs('vm-2', 'lost'))], gone: [] }),
    amended,
    'a host that is lost may come back in time',
  )
  t.deepEqual(marks, [])
  await clock.advance(1000)
  t.deepEqual(marks, ['drained'])
  t.is(linger.amend({ documents, specs, altered: [service(rs('vm-1'), rs('vm-2', 'draining'))], gone: [] }), documents)
  t.is(linger.amend({ documents, specs, altered: [service(rs('vm-1'))], gone: [] }), documents)
  linger.close()
})

test('one that is down, or whose service is gone, does not linger', t => {
  const linger = createLinger(fakeClock(), () => {})
  const { documents, specs, service } = setUp('vm-1')
  t.is(linger.amend({ documents, specs, altered: [service(rs('vm-2', 'down'))], gone: [] }), documents)
  t.not(linger.amend({ documents, specs, altered: [service(rs('vm-2'))], gone: [] }), documents)
  t.is(linger.amend({ documents, specs, altered: [], gone: [service().key] }), documents)
  linger.close()
})
