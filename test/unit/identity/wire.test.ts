import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import type { Register } from '../../../director/authority/who.ts'
import type { House } from '../../../director/house.ts'
import { createDesk } from '../../../director/joining/issue.ts'
import { addRenewal } from '../../../director/joining/renewal.ts'
import { agentHandlers } from '../../../director/parts/agents.ts'
import type { CrossportError } from '../../../shared/errors.ts'
import { writeWhole } from '../../../shared/identity/files.ts'
import { readOwn } from '../../../shared/identity/own.ts'
import { renewalFrom } from '../../../shared/identity/renewal.ts'
import { keyPem, makeRequest, newKeys } from '../../../shared/pki/certificates.ts'
import type { TlsFiles } from '../../../shared/rpc/tls.ts'
import { createCell, createTopic } from '../../../shared/run/cell.ts'
import { identity, offer, recorder, startDirector, startReporter } from '../report/ends.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { DAY, fleet } from './fleet.ts'

/** A certificate that is due to be renewed. */
const halfOver = () => ({ notBefore: new Date(Date.now() - DAY), notAfter: new Date(Date.now() + DAY) })

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
  const files = await certificate('host', 'rs1', halfOver())
  const request = await makeRequest(await newKeys())
  const pem = await renewalFrom([director.address], files, request)
  t.regex(pem, /BEGIN CERTIFICATE/)
  t.is(readOwn(files).identity.role?.fleet, issuer.fleet)
  await t.throwsAsync(renewalFrom([director.address], files, 'no request'), { message: /request is not valid/ })
  await t.throwsAsync(renewalFrom(['127.0.0.1:1'], files, request), { message: /127\.0\.0\.1:1: / })
})

/** A host's certificates, with the keys that they were issued for, by the name of a file. */
async function renewals(t: ExecutionContext) {
  const { certificate, director, dir, book, log } = await scene(t)
  const first = await certificate('host', 'rs1', halfOver())
  let made = 0
  /** Renewed with these files; the new certificate lives long enough to be renewed at once. */
  const renew = async (files: TlsFiles): Promise<TlsFiles> => {
    const keys = await newKeys()
    const pem = await renewalFrom([director.address], files, await makeRequest(keys))
    const cert = join(dir, `renewed-${++made}.pem`)
    writeWhole(cert, keyPem(keys.privateKey) + pem, 0o600)
    return { ...files, cert, key: cert }
  }
  const serial = ({ cert }: TlsFiles) => new X509Certificate(readFileSync(cert)).serialNumber
  return { first, renew, serial, book, log }
}

test('a copy of a key that has been renewed renews nothing, and the journal says that it is in use twice', async t => {
  const { first, renew, serial, book, log } = await renewals(t)
  const lost = await renew(first)
  const second = await renew(first)
  t.pass('a reply that was lost is asked for anew')
  book.shown({ role: 'host', name: 'rs1' }, serial(second))
  for (const old of [first, lost])
    await t.throwsAsync(renew(old), { message: /the key of host rs1 is in use twice: a certificate was shown/ })
  const line = log.lines.find(({ message }) => message === 'the key of host rs1 is in use twice')
  t.is(line?.level, 'error')
  t.is((line?.err as CrossportError | undefined)?.code, 'KEY_TWICE')
  await t.throwsAsync(renew(second), { message: /is not renewed before 20/ })
})

test('who uses a copy of a key before its owner is found out by the owner, or shuts itself out', async t => {
  const { first, renew, log } = await renewals(t)
  const thief = await renew(first)
  await renew(first)
  await t.throwsAsync(renew(thief), { message: /in use twice/ })
  t.true(log.lines.some(({ message }) => message.endsWith('is in use twice')))
})

test('a host that registers with its newest certificate ends the one before', async t => {
  const { first, renew, serial, book } = await renewals(t)
  const rs1 = { role: 'host', name: 'rs1' } as const
  const second = await renew(first)
  t.true(book.isCurrent(rs1, serial(first)))
  const cells = { registry: createCell({ hosts: new Map() }), agents: createCell(undefined) }
  const house = {
    config: { leaseMs: 1000 },
    cells: {
      ...cells,
      changed: createTopic(),
      site: createCell(undefined),
      services: createCell({ specs: [] }),
      outcome: createCell(undefined),
      ownAddresses: createCell({ own: new Set() }),
    },
    clock: fakeClock(),
    book,
  } as unknown as House
  const report = { hostId: 'rs1', hostMac: '02:00:00:00:00:01', hostIp: '', version: '', realServers: [], refused: [] }
  agentHandlers(house).onRegistration(report as never, { name: 'rs1', serial: serial(second), address: '10.0.0.1' })
  t.false(book.isCurrent(rs1, serial(first)))
  t.true(book.isCurrent(rs1, serial(second)))
})

test('a request for a renewal that is too large, or too early, is refused', async t => {
  const { certificate, director } = await scene(t)
  const [young, due] = [await certificate('host', 'rs1'), await certificate('host', 'rs2', halfOver())]
  const request = await makeRequest(await newKeys())
  await t.throwsAsync(renewalFrom([director.address], young, request), { message: /is not renewed before 20/ })
  await t.throwsAsync(renewalFrom([director.address], due, 'x'.repeat(20_000)), { message: /the request is too large/ })
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
