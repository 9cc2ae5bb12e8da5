import test from 'ava'
import { fromHost } from '../../../director/compile/fabric.ts'
import { SITE } from './site.ts'

const HOST = { hostMac: '02:00:00:00:00:20', hostIp: '172.24.1.20' }

test('what a host says to R is believed from its own tunnel end only, on a segment from the uplink', t => {
  t.deepEqual(fromHost({ ...SITE, uplink: 5 }, HOST), { in_port: 5 })
  const overlay = { networkKey: 100, clientHosts: [] }
  t.deepEqual(fromHost({ ...SITE, uplink: 5, fabric: overlay }, HOST), {
    in_port: 5,
    tun_id: 100,
    tun_src: '172.24.1.20',
  })
  const here = { ...HOST, hostMac: SITE.ownMacs[0] ?? SITE.directorMac }
  t.deepEqual(fromHost({ ...SITE, ownMacs: [here.hostMac], fabric: overlay }, here), { reg12: '0x1/0x1' })
})
