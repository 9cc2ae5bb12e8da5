import { readFileSync } from 'node:fs'
import { type ConnectionOptions, connect } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import type { Register } from '../../../director/authority/who.ts'
import { createDesk } from '../../../director/joining/issue.ts'
import { addRenewal } from '../../../director/joining/renewal.ts'
import { readOwn } from '../../../shared/identity/own.ts'
import { renewalFrom } from '../../../shared/identity/renewal.ts'
import { makeRequest, newKeys } from '../../../shared/pki/certificates.ts'
import type { TlsFiles } from '../../../shared/rpc/tls.ts'
import { identity, offer, recorder, startDirector, startReporter } from '../report/ends.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { DAY, fleet } from './fleet.ts'

/** A fleet's director that listens with its certificate, and agents that dial it. */
async function scene(t: ExecutionContext, files?: (made: Awaited<ReturnType<typeof fleet>>) => Promise<TlsFiles>) {
  const made = await fleet(t)
  const { director: own, book, pki, fleetId } = made
  const tls = files === undefined ? own : await files(made)
  const register: Register = {
    tls: true,
    own: { fleet: fleetId, role: 'director', name: 'd1' },
    revokedAt: book.revokedAt,
  }
  const log = memoryLog()
  const heard = recorder()
  const desk = createDesk({ pki, book, lifetimeMs: DAY })
  const director = await startDirector('127.0.0.1:0', heard, {
    ...{ tls, register, log },
    add: (server, proto) => addRenewal(server, proto, desk, register, log),
  })
  t.teardown(() => director.close())
  director.setOffer(offer())
  const dial = (files?: TlsFiles, hostId = 'rs1') => {
    const told = recorder()
    startReporter(t, director.address, told, { ...(files && { tls: files }), identity: { ...identity, hostId } })
    return told
  }
  const port = Number(director.address.split(':')[1])
  return { ...made, director, heard, dial, log, port }
}

test('a host of the fleet registers, whatever the address that it dials', async t => {
  const { certificate, dial, heard } = await scene(t)
  await dial(await certificate('host', 'rs1')).until(/^registered/)
  t.regex(await heard.until(/^registered/), /^registered rs1/)
})

test("refused by the director: another host's certificate, a director's, one of another fleet, and none", async t => {
  const { certificate, dial, heard, log } = await scene(t)
  const other = await fleet(t)
  const foreign = await other.certificate('host', 'rs1')
  const posing = await dial(await certificate('host', 'rs2')).until(/^refused/)
  t.regex(
    posing,
    /registers as host "rs1" with the certificate of "rs2": set hostId: rs2 there.*\(HOST_NAME_MISMATCH\)/,
  )
  const asHost = await dial(await certificate('director', 'd2')).until(/^refused/)
  t.regex(asHost, /has the certificate of director d2, and not a host's \(IDENTITY_REFUSED\)/)
  await dial().until(/^disconnected/)
  // It would itself not believe this director; so only the director's refusal is looked at.
  const ours = await certificate('host', 'x')
  await dial({ ...foreign, ca: ours.ca }).until(/^disconnected/)
  t.false(heard.events.some(event => event.startsWith('registered')))
  t.true(log.lines.filter(({ message }) => message === 'an agent is refused').length >= 2)
})

test("refused by the agent: a host's certificate on a director's port, and a director of another fleet", async t => {
  const posing = await scene(t, ({ certificate }) => certificate('host', 'rs9'))
  const told = await posing.dial(await posing.certificate('host', 'rs1')).until(/^disconnected/)
  // A host's certificate is none for a server (RFC 5280, 4.2.1.12), before its role is looked at.
  t.regex(told, /unsuitable certificate purpose|no director of this host/)
  const [one, other] = [await scene(t), await fleet(t)]
  const stranger = await one.dial(await other.certificate('host', 'rs1')).until(/^disconnected/)
  t.regex(stranger, /self-signed certificate|unable to (get|verify)/)
  t.false([...posing.heard.events, ...one.heard.events].some(event => event.startsWith('registered')))
})

const handshake = (port: number, options: ConnectionOptions) =>
  new Promise<string>(resolve => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'], ...options })
    const end = (how: string) => {
      socket.destroy()
      resolve(how)
    }
    socket.on('error', error => end(error.message))
    // In TLS 1.3 a client that shows no certificate hears of it only after its own handshake.
    socket.on('data', () => end('spoken to'))
    socket.on('close', () => end('closed'))
  })

test('TLS 1.2 is refused, and so is one who shows no certificate', async t => {
  const { port, certificate } = await scene(t)
  const { cert } = await certificate('host', 'rs1')
  const pair = readFileSync(cert)
  t.regex(await handshake(port, { maxVersion: 'TLSv1.2', cert: pair, key: pair }), /protocol version/)
  t.regex(await handshake(port, {}), /certificate required/)
  t.is(await handshake(port, { cert: pair, key: pair }), 'spoken to')
})

test('a host that is revoked is out at once, and does not come back with what it has, or has renewed', async t => {
  const { certificate, dial, director, book, heard } = await scene(t)
  const files = await certificate('host', 'rs1')
  const other = await certificate('host', 'rs2')
  const told = dial(files)
  dial(other, 'rs2')
  await told.until(/^registered/)
  await heard.until(/^registered rs2/)
  book.revoke('rs1', Date.now())
  director.revoked('rs1')
  t.regex(await told.until(/^refused/), /"rs1" is revoked \(IDENTITY_REFUSED\)/)
  t.regex(await told.until(/^refused/), /a certificate of host "rs1" that was revoked at/)
  t.deepEqual([...director.connected], ['rs2'])
  const request = await makeRequest(await newKeys())
  await t.throwsAsync(renewalFrom([director.address], files, request), { message: /that was revoked at/ })
  const later = new Date(Math.floor(Date.now() / 1000) * 1000 + 1000)
  await new Promise(resolve => setTimeout(resolve, later.getTime() - Date.now()))
  await dial(await certificate('host', 'rs1', { notBefore: later })).until(/^registered/)
})

test('a certificate is renewed for the same name, over the mutual connection only', async t => {
  const { certificate, director, issuer } = await scene(t)
  const files = await certificate('host', 'rs1')
  const request = await makeRequest(await newKeys())
  const pem = await renewalFrom([director.address], files, request)
  t.regex(pem, /BEGIN CERTIFICATE/)
  t.is(readOwn(files).identity.role?.fleet, issuer.fleet)
  await t.throwsAsync(renewalFrom([director.address], files, 'no request'), { message: /request is not valid/ })
  await t.throwsAsync(renewalFrom(['127.0.0.1:1'], files, request), { message: /127\.0\.0\.1:1: / })
})

test('a stream ends with the certificate that it was begun with', async t => {
  const { certificate, director: own } = await fleet(t)
  const clock = fakeClock()
  const heard = recorder()
  const wall = Date.now()
  const director = await startDirector('127.0.0.1:0', heard, {
    tls: own,
    clock: { ...clock, wall: () => new Date(wall + clock.now()) },
  })
  t.teardown(() => director.close())
  director.setOffer(offer())
  const told = recorder()
  const files = await certificate('host', 'rs1', { notAfter: new Date(wall + 5000) })
  startReporter(t, director.address, told, { tls: files })
  await told.until(/^registered/)
  await clock.advance(4000)
  t.deepEqual([...director.connected], ['rs1'])
  await clock.advance(2500)
  t.regex(await told.until(/^disconnected/), /the certificate that it was begun with has ended/)
})

test('a director that has got a new certificate shows it to those that dial later', async t => {
  const made = await fleet(t)
  const { certificate, director: own } = made
  const first = await certificate('director', 'd1')
  const heard = recorder()
  const director = await startDirector('127.0.0.1:0', heard, { tls: first })
  t.teardown(() => director.close())
  const shown = () =>
    new Promise<string>(resolve => {
      const socket = connect({
        port: Number(director.address.split(':')[1]),
        host: '127.0.0.1',
        rejectUnauthorized: false,
      })
      socket.once('error', () => {})
      socket.once('secureConnect', () => {
        resolve(socket.getPeerX509Certificate()!.serialNumber)
        socket.destroy()
      })
    })
  const before = await shown()
  await certificate('director', 'd1')
  t.is(await shown(), before)
  director.reloadCertificate()
  t.not(await shown(), before)
  t.truthy(own)
})
