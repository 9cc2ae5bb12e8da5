import test from 'ava'
import type { Host } from '../../../director/registry/types.ts'
import { sharedAddresses } from '../../../director/status/shared-addresses.ts'

const host = (n: number, change: Partial<Host> = {}): Host => ({
  hostId: `rs${n}`,
  hostMac: `02:00:00:00:00:2${n}`,
  hostIp: `172.24.1.2${n}`,
  version: '1',
  realServers: new Map(),
  seq: n,
  state: 'alive',
  leaseExpiresAt: 0,
  ...change,
})

test('hosts that are connected with one address are named; one that is away may be the same machine under another name', t => {
  const twins = [host(1), host(2, { hostMac: '02:00:00:00:00:21', hostIp: '172.24.1.21' }), host(3)]
  const found = (connected: readonly string[], addressed: boolean) =>
    sharedAddresses(twins, new Set(connected), addressed).map(({ subject, message }) => [
      subject,
      / (one .*): /.exec(message ?? '')?.[1],
    ])
  const mac = ['rs1, rs2', 'one host MAC, 02:00:00:00:00:21']
  t.deepEqual(found(['rs1', 'rs2', 'rs3'], false), [mac])
  t.deepEqual(found(['rs1', 'rs2', 'rs3'], true), [mac, ['rs1, rs2', 'one address in the underlay, 172.24.1.21']])
  t.deepEqual(found(['rs2', 'rs3'], true), [])
})
