import { join } from 'node:path'
import test from 'ava'
import { pkiFiles, writeWhole } from '../../../shared/identity/files.ts'
import { chooseProtection, isLocal } from '../../../shared/identity/protection.ts'
import { tempDir } from '../cleanup.ts'

const base = { tls: undefined, pki: '/nowhere', insecurePlaintext: false } as const

test('addresses within one machine', t => {
  for (const address of ['unix:/run/d.sock', '127.0.0.1:7473', '127.1.2.3:1', 'localhost:7473', '[::1]:7473'])
    t.true(isLocal(address), address)
  for (const address of [
    '0.0.0.0:7473',
    '172.24.1.100:7473',
    '127.example.com:7473',
    'localhost.example.com:1',
    '[::]:1',
    'd1:7473',
  ])
    t.false(isLocal(address), address)
})

test('in the clear only within the machine, or where the configuration says it', t => {
  const agent = { ...base, role: 'host', addresses: ['127.0.0.1:7473', 'd1:7473'] } as const
  t.throws(() => chooseProtection(agent), {
    code: 'TLS_MISSING',
    message: /to d1:7473 would be neither.*crossport-agent join/,
  })
  t.throws(() => chooseProtection({ ...base, role: 'director', addresses: ['0.0.0.0:7473'] }), {
    code: 'TLS_MISSING',
    message: /whoever dials 0\.0\.0\.0:7473.*crossport-director init/,
  })
  t.deepEqual(chooseProtection({ ...agent, addresses: ['127.0.0.1:7473'] }), { tls: undefined, plaintext: undefined })
  t.deepEqual(chooseProtection({ ...agent, addresses: [] }), { tls: undefined, plaintext: undefined })
  const open = chooseProtection({ ...agent, insecurePlaintext: true })
  t.regex(open.plaintext ?? '', /^insecurePlaintext: the connection to d1:7473 is neither encrypted nor authenticated/)
})

test('files that are configured come first, then those of init and join', t => {
  const pki = tempDir(t)
  const agent = { ...base, pki, role: 'host', addresses: ['d1:7473'] } as const
  const tls = { ca: '/a', cert: '/b', key: '/c' }
  t.deepEqual(chooseProtection({ ...agent, tls }), { tls, plaintext: undefined })
  for (const name of ['ca.crt', 'agent.pem']) writeWhole(join(pki, name), '', 0o600)
  t.deepEqual(chooseProtection(agent), { tls: pkiFiles(pki, 'host'), plaintext: undefined })
  t.deepEqual(chooseProtection({ ...agent, insecurePlaintext: true }).plaintext, undefined, 'it is not in the clear')
  t.throws(() => chooseProtection({ ...agent, role: 'director' }), { code: 'TLS_MISSING' })
})
