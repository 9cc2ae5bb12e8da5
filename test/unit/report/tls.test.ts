import { join } from 'node:path'
import test from 'ava'
import { execa } from 'execa'
import { tempDir } from '../cleanup.ts'
import { offer, recorder, startDirector, startReporter } from './ends.ts'

test('mutual TLS: who has a certificate of the CA gets in, who has none does not', async t => {
  const dir = tempDir(t)
  const openssl = (args: string) => execa('openssl', args.split(' '), { cwd: dir })
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  await openssl(`req -x509 ${key} -keyout ca.key -out ca.crt -subj /CN=test-CA -days 1`)
  await openssl(`req ${key} -keyout d.key -out d.csr -subj /CN=localhost -addext subjectAltName=DNS:localhost`)
  await openssl('x509 -req -in d.csr -CA ca.crt -CAkey ca.key -out d.crt -days 1 -copy_extensions copy')
  const tls = { ca: join(dir, 'ca.crt'), cert: join(dir, 'd.crt'), key: join(dir, 'd.key') }
  const heard = recorder()
  const director = await startDirector('localhost:0', heard, { tls })
  t.teardown(() => director.close())
  director.setOffer(offer())
  const stranger = recorder()
  startReporter(t, director.address, stranger)
  await stranger.until(/^disconnected/)
  const told = recorder()
  startReporter(t, director.address, told, { tls })
  await told.until(/^registered/)
  t.false(heard.events.some(event => event.startsWith('registered') && !event.includes('rs1')))
  await t.throwsAsync(startDirector('localhost:0', heard, { tls: { ...tls, key: join(dir, 'none') } }), {
    code: 'RPC_TLS',
  })
})
