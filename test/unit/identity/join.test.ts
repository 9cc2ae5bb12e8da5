import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join as path } from 'node:path'
import { Readable } from 'node:stream'
import * as grpc from '@grpc/grpc-js'
import test, { type ExecutionContext } from 'ava'
import { join } from '../../../agent/commands/join.ts'
import { command } from '../../../agent/commands/program.ts'
import { join as joinDirector } from '../../../director/commands/join.ts'
import { makeToken } from '../../../director/commands/token.ts'
import { commandConfigSchema, directorConfigSchema } from '../../../director/config.ts'
import { createRates } from '../../../director/joining/rates.ts'
import { parseDaemonConfig } from '../../../shared/config/daemon.ts'
import { readOwn } from '../../../shared/identity/own.ts'
import { joiningClient } from '../../../shared/rpc/client.ts'
import { tempDir } from '../cleanup.ts'
import { DAY, fleet } from './fleet.ts'

/** A fleet that hosts can join, and a host's machine. */
async function scene(t: ExecutionContext, listen?: string) {
  const made = await fleet(t)
  const joining = await made.joining(DAY, listen)
  const { pki, dir } = made
  const config = commandConfigSchema.parse({ pki, stateFile: path(dir, 'director.db') })
  const token = (options: { host?: string; director?: string; ttl?: number } = {}) =>
    makeToken(config, { ttl: 60_000, ...options }).token
  const host = (name = 'rs1', text = 'bridge: br0 # of the VMs\nuplink: eth0\n') => {
    const etc = tempDir(t)
    const file = path(etc, 'agent.yaml')
    writeFileSync(file, `${text}pki: ${path(etc, 'pki')}\n`)
    const files = { ca: path(etc, 'pki/ca.crt'), pair: path(etc, 'pki/agent.pem') }
    const run = (secret: string, hostId: string | undefined = name, director = joining.address) =>
      join({ director, token: secret, hostId, config: file })
    return { etc, file, files, run, text: () => readFileSync(file, 'utf8'), written: () => existsSync(files.pair) }
  }
  return { ...made, joining, token, host }
}

test('a host with a token gets a certificate for its host id, and its configuration names the director', async t => {
  const { token, host, fleetId } = await scene(t)
  const rs1 = host()
  const told = await rs1.run(token())
  t.regex(told.join('\n'), /host rs1 has joined.*\ndirector 127\.0\.0\.1 is in .*agent\.yaml\nnext: systemctl enable/)
  const own = readOwn({ ca: rs1.files.ca, cert: rs1.files.pair, key: rs1.files.pair })
  t.deepEqual(own.identity.role, { fleet: fleetId, role: 'host', name: 'rs1' })
  t.is(statSync(rs1.files.pair).mode & 0o777, 0o600)
  t.is(statSync(path(rs1.etc, 'pki')).mode & 0o777, 0o700)
  t.regex(rs1.text(), /^bridge: br0 # of the VMs\nuplink: eth0\n[\s\S]*director: 127\.0\.0\.1\nhostId: rs1\n$/)
  t.deepEqual(readdirSync(path(rs1.etc, 'pki')).sort(), ['agent.pem', 'ca.crt'])
})

test('a host keeps the directors that it has, and is told what else its configuration needs', async t => {
  const { token, host } = await scene(t)
  const rs1 = host('rs1', '# mine\ndirector: d0.example.com # the first\n')
  const told = await rs1.run(token())
  t.regex(told.at(-1) ?? '', /set bridge and uplink in .*agent\.yaml, then: systemctl/)
  t.regex(rs1.text(), /# mine\ndirector:\n {2}- d0\.example\.com # the first\n {2}- 127\.0\.0\.1\n/)
})

for (const [what, refused, reason] of [
  ['a token that nobody has made', ({ token }) => token().replace(/^cp1\.../, 'cp1.zz'), /not known here/],
  ['a text that is no token', () => 'secret', /this is no join token/],
  ['a token for another host', ({ token }) => token({ host: 'rs2' }), /this token is for rs2, and not for rs1/],
  ['a token for a director', ({ token }) => token({ director: 'd2' }), /for a director, and not for a host/],
  ['a token that has ended', ({ token }) => token({ ttl: -1 }), /this token has ended at 20/],
  ['a token of another fleet', ({ token }) => token().replace(/..$/, 'zz'), /another fingerprint\. Nothing was sent/],
] as readonly [string, (found: Awaited<ReturnType<typeof scene>>) => string, RegExp][])
  test(`refused, and nothing is written: ${what}`, async t => {
    const found = await scene(t)
    const rs1 = found.host()
    const before = rs1.text()
    await t.throwsAsync(rs1.run(refused(found)), { code: 'JOIN_REFUSED', message: reason })
    t.false(rs1.written())
    t.is(rs1.text(), before)
    t.deepEqual(readdirSync(rs1.etc), ['agent.yaml'])
  })

test('the token is read from the input, which no other user sees', async t => {
  const { token, host, joining } = await scene(t)
  const rs1 = host()
  const io = { out: () => {}, err: (text: string) => void t.log(text) }
  const args = ['join', joining.address, '-', '--host-id', 'rs1', '--config', rs1.file]
  t.is(await command(args, { ...io, input: Readable.from([token().slice(0, 9), `nothing\n`]) }), 1)
  t.false(rs1.written())
  const secret = token()
  t.is(await command(args, { ...io, input: Readable.from([secret.slice(0, 9), `${secret.slice(9)}\nmore`]) }), 0)
  t.true(rs1.written())
})

test('`token` prints the line that lets a machine join', async t => {
  const { dir, pki } = await scene(t)
  const config = commandConfigSchema.parse({ pki, stateFile: path(dir, 'director.db') })
  const { token, notes } = makeToken(config, { ttl: 60_000 })
  t.regex(notes.join('\n'), /^ {2}echo cp1\.\S+ \| crossport-agent join \S+ -$/m)
  t.true(notes.join('\n').includes(token))
  t.regex(makeToken(config, { ttl: 60_000, director: 'd2' }).notes.join('\n'), /\| crossport-director join \S+ -$/m)
})

test('a token is good once', async t => {
  const { token, host } = await scene(t)
  const secret = token()
  await host().run(secret)
  const rs2 = host('rs2')
  await t.throwsAsync(rs2.run(secret), { message: /was used by rs1 at 20.*; each is good once/ })
  t.false(rs2.written())
})

test('where nothing can be written, nothing is sent, and the token stays good', async t => {
  const { token, host } = await scene(t)
  const secret = token()
  const rs1 = host()
  // A file stands where the directory of the certificates is to be: root may write nearly everywhere else.
  writeFileSync(path(rs1.etc, 'pki'), '')
  await t.throwsAsync(rs1.run(secret), {
    code: 'JOIN_UNWRITABLE',
    message: /cannot write .*ca\.crt: .*Nothing was sent/,
  })
  t.deepEqual(readdirSync(rs1.etc).sort(), ['agent.yaml', 'pki'])
  await host().run(secret)
})

test('a further director joins, also one that dials by IPv6; an agent says that it does not', async t => {
  const { token, host, joining, dir } = await scene(t, '[::1]:0')
  t.regex(joining.address, /^\[::1\]:/)
  const file = path(dir, 'd2.yaml')
  const config = commandConfigSchema.parse({ id: 'd2', pki: path(dir, 'pki2') })
  const told = await joinDirector(config, file, joining.address, token({ director: 'd2' }))
  t.regex(told.join('\n'), /director d2 has joined/)
  t.regex(readFileSync(file, 'utf8'), /^authority: "?\[::1\]:7473"?$/m)
  const next = parseDaemonConfig(directorConfigSchema, `bridge: br0\nuplink: eth0\n${readFileSync(file, 'utf8')}`, file)
  t.is(next.authority, '[::1]:7473')
  await t.throwsAsync(host().run(token(), 'rs1', '[fd00::1]'), { message: /by IPv4 address or host name/ })
})

test('two hosts with one token at the same time: one of them joins', async t => {
  const { token, host } = await scene(t)
  const secret = token()
  const done = await Promise.allSettled([host('rs1').run(secret), host('rs2').run(secret)])
  t.deepEqual(done.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
})

test('a host id that is taken is refused, and the token stays good; after its revocation it is free', async t => {
  const { token, host, book } = await scene(t)
  await host().run(token())
  const secret = token()
  const other = host()
  await t.throwsAsync(other.run(secret), { message: /host id rs1 is taken: its certificate is valid until 20/ })
  book.revoke('rs1', Date.now())
  await t.throwsAsync(other.run(secret), { message: /rs1 was revoked at 20.*this token was made before: make a new/ })
  await new Promise(resolve => setTimeout(resolve, 2))
  await other.run(token())
  const { notBefore } = readOwn({ ca: other.files.ca, cert: other.files.pair, key: other.files.pair })
  t.true(
    notBefore.getTime() > Math.floor(book.revokedAt('rs1')! / 1000) * 1000,
    'it is none of those that were revoked',
  )
})

test('a revocation ends the tokens that were made for the host', async t => {
  const { token, host, book } = await scene(t)
  const [bound, free, other] = [token({ host: 'rs1' }), token(), token({ host: 'rs2' })]
  book.revoke('rs1', Date.now())
  await t.throwsAsync(host().run(bound), { message: /this token is not known here/ })
  await t.throwsAsync(host().run(free), { message: /this token was made before/ })
  await host('rs2').run(other)
  await host('rs3').run(free)
})

test('a clock that was set back makes no revocation of less use, and nobody is let in before it is right again', async t => {
  const { token, host, book } = await scene(t)
  const rs1 = host()
  await rs1.run(token())
  const { notBefore } = readOwn({ ca: rs1.files.ca, cert: rs1.files.pair, key: rs1.files.pair })
  t.true(Date.now() - notBefore.getTime() > 290_000, 'a slow clock takes it')
  book.revoke('rs1', notBefore.getTime() - DAY)
  t.is(book.revokedAt('rs1'), notBefore.getTime())
  book.revoke('rs1', Date.now() + DAY)
  book.revoke('rs1', Date.now())
  t.true(book.revokedAt('rs1')! > Date.now())
  const secret = token()
  await t.throwsAsync(host().run(secret), { message: /was revoked at 20.*clock says 20.*: set it right/ })
  await host('rs2').run(secret)
})

test('a machine is of one fleet', async t => {
  const [one, other] = [await scene(t), await scene(t)]
  const rs1 = one.host()
  await rs1.run(one.token())
  const before = readFileSync(rs1.files.pair, 'utf8')
  const secret = other.token()
  await t.throwsAsync(rs1.run(secret, 'rs1', other.joining.address), {
    message:
      /ca\.crt is the CA of another fleet: remove \S+\/ca\.crt and \S+\/agent\.pem to leave that\. Nothing was sent/,
  })
  writeFileSync(path(rs1.etc, 'pki/ca.key'), 'of a director')
  await t.throwsAsync(rs1.run(secret, 'rs1', other.joining.address), {
    message: /give the host a directory of its own/,
  })
  t.is(readFileSync(rs1.files.pair, 'utf8'), before)
  await other.host('rs1').run(secret, 'rs1', other.joining.address)
})

test('a configuration that cannot be read, or names files of another PKI, is not touched', async t => {
  const { token, host } = await scene(t)
  const broken = host('rs1', 'bridge: [br0\n')
  await t.throwsAsync(broken.run(token()), { code: 'CONFIG_INVALID' })
  t.false(broken.written())
  const pki = host('rs1', 'tls: { ca: /a, cert: /b, key: /c }\n')
  await t.throwsAsync(pki.run(token()), { message: /names files of another PKI under tls/ })
  await t.throwsAsync(host().run(token(), 'rs/1'), { message: /cannot be in a certificate/ })
  await t.throwsAsync(host().run(token(), 'rs1', '127.0.0.1:1'), {
    message: /cannot reach a director's port for joining/,
  })
})

test('the listener for joining has nothing else, takes small messages, and a few of each address', async t => {
  const { joining, director } = await scene(t)
  const ca = readFileSync(director.ca, 'utf8')
  const client = joiningClient(joining.address, ca)
  t.teardown(() => client.close())
  const ask = (request: string) =>
    new Promise<grpc.ServiceError | null>(resolve =>
      client.Join({ secret: 'x', role: 'host', name: 'rs1', request }, error => resolve(error)),
    )
  t.is((await ask('x'.repeat(20_000)))?.code, grpc.status.RESOURCE_EXHAUSTED)
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask('')))
  t.true(answers.some(error => /not known here/.test(error?.details ?? '')))
  t.true(answers.some(error => /too many requests/.test(error?.details ?? '')))
  const bytes = (text: Buffer) => text
  const other = await new Promise<grpc.ServiceError | null>(resolve =>
    client.makeUnaryRequest('/crossport.v1.Renewal/Renew', bytes, bytes, Buffer.of(), error => resolve(error)),
  )
  t.is(other?.code, grpc.status.UNIMPLEMENTED)
})

test('64 connections at a time, each 5 s until its request: hosts join meanwhile', async t => {
  const { joining, token, host } = await scene(t)
  const crowd = Array.from({ length: 200 }, () => {
    const socket = connect({ port: joining.port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    t.teardown(() => socket.destroy())
    return socket.on('error', () => {}).resume()
  })
  await Promise.all(crowd.map(socket => once(socket, 'connect')))
  await host().run(token())
  const open = () => crowd.filter(({ closed }) => !closed).length
  while (open() > 64) await new Promise(resolve => setTimeout(resolve, 20))
  t.true(open() > 0)
  while (open() > 0) await new Promise(resolve => setTimeout(resolve, 100))
})

test('many addresses do not give one that has asked too often anything anew', t => {
  const rates = createRates({ now: () => 0 })
  const take = (address: string) => rates.take(address)
  for (let n = 0; n < 10; n++) t.true(take('a'))
  for (let n = 0; n < 1023; n++) take(`other ${n}`)
  t.false(take('a'), 'it is still remembered')
  for (let n = 0; n < 500; n++) take(`more ${n}`)
  t.false(take('a'), 'others were forgotten before')
})

test('the CA key is for root alone, and `init` changes nothing that is there', async t => {
  const { pki, dir } = await scene(t)
  const read = () =>
    readdirSync(pki).map(name => [name, readFileSync(path(pki, name), 'utf8'), statSync(path(pki, name)).mode & 0o777])
  const before = read()
  t.is(before.find(([name]) => name === 'ca.key')?.[2], 0o600)
  const { init } = await import('../../../director/commands/init.ts')
  const told = await init(commandConfigSchema.parse({ pki, id: 'd9', stateFile: path(dir, 'director.db') }))
  t.regex(told.join('\n'), /is there already.*ca\.key[\s\S]*nothing has been changed/)
  t.deepEqual(read(), before)
})
