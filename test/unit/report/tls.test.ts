import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { execa } from 'execa'
import { tempDir } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'
import { identity, offer, recorder, startDirector, startReporter } from './ends.ts'

/** A certificate authority of an existing PKI, and a function that makes a certificate of it. */
async function authority(t: ExecutionContext) {
  const dir = tempDir(t)
  const openssl = (...args: string[]) => execa('openssl', args, { cwd: dir })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=test-CA', '-days', '1')
  return async (commonName: string, ...altNames: string[]) => {
    const names = altNames.length === 0 ? [] : ['-addext', `subjectAltName=${altNames.join(',')}`]
    await openssl('req', ...key, '-keyout', 'x.key', '-out', 'x.csr', '-subj', `/CN=${commonName}`, ...names)
    const file = commonName.replaceAll(/\W/g, '-')
    const sign = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-out', `${file}.crt`, '-days', '1', '-copy_extensions', 'copy']
    await openssl('x509', '-req', '-in', 'x.csr', ...sign)
    await execa('mv', ['x.key', `${file}.key`], { cwd: dir })
    return { ca: join(dir, 'ca.crt'), cert: join(dir, `${file}.crt`), key: join(dir, `${file}.key`) }
  }
}

test('mutual TLS: who has a certificate of the CA gets in, who has none does not', async t => {
  const certificate = await authority(t)
  const tls = await certificate('localhost', 'DNS:localhost')
  const heard = recorder()
  const director = await startDirector('localhost:0', heard, { tls })
  t.teardown(() => director.close())
  director.setOffer(offer())
  const stranger = recorder()
  startReporter(t, director.address, stranger)
  await stranger.until(/^disconnected/)
  const told = recorder()
  startReporter(t, director.address, told, { tls: await certificate('rs1') })
  await told.until(/^registered/)
  t.false(heard.events.some(event => event.startsWith('registered') && !event.includes('rs1')))
  await t.throwsAsync(startDirector('localhost:0', heard, { tls: { ...tls, key: join(tls.ca, 'none') } }), {
    code: 'RPC_TLS',
  })
})

test('in an existing PKI a director is who has the address that is dialled, whatever role its certificate states', async t => {
  const certificate = await authority(t)
  const host = await certificate('rs1')
  const answer = async (...names: string[]) => {
    const tls = await certificate(`d${names.length}`, 'URI:spiffe://f1/director/d9', ...names)
    const director = await startDirector('localhost:0', recorder(), { tls })
    t.teardown(() => director.close())
    director.setOffer(offer())
    const told = recorder()
    startReporter(t, director.address, told, { tls: host })
    return told.until(/^(registered|disconnected)/)
  }
  t.regex(await answer(), /^disconnected/)
  t.regex(await answer('DNS:localhost'), /^registered/)
})

test('a host whose files cannot be read says which', async t => {
  const certificate = await authority(t)
  const told = recorder()
  const { ca, cert } = await certificate('rs1')
  startReporter(t, 'localhost:1', told, { tls: { ca, cert, key: '/nowhere.key' } })
  t.regex(await told.until(/^disconnected/), /director localhost:1: cannot read \/nowhere\.key/)
})

test('a host with a certificate registers itself, and no other', async t => {
  const certificate = await authority(t)
  const heard = recorder()
  const log = memoryLog()
  const director = await startDirector('localhost:0', heard, {
    tls: await certificate('localhost', 'DNS:localhost'),
    log,
  })
  t.teardown(() => director.close())
  director.setOffer(offer())
  const told = recorder()
  const tls = await certificate('rs1')
  startReporter(t, director.address, told, { tls, identity: { ...identity, hostId: 'rs2' } })
  const refused = await told.until(/^refused/)
  t.regex(refused, /registers as host "rs2" with the certificate of "rs1": .*\(HOST_NAME_MISMATCH\)/)
  const invalid = recorder()
  startReporter(t, director.address, invalid, { tls, identity: { ...identity, hostId: 'rs2', hostMac: 'none' } })
  t.regex(await invalid.until(/^refused/), /HOST_NAME_MISMATCH/, 'no message of another is said to be one of rs2')
  t.deepEqual(new Set(director.refused.map(({ peer }) => peer)), new Set(['rs1']))
  t.false(heard.events.some(event => event.startsWith('registered')))
  t.true(log.lines.some(({ err }) => (err as { code?: string } | undefined)?.code === 'HOST_NAME_MISMATCH'))
})
