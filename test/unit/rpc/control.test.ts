import { once } from 'node:events'
import { copyFileSync, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import * as grpc from '@grpc/grpc-js'
import * as protoLoader from '@grpc/proto-loader'
import test, { type ExecutionContext } from 'ava'
import { execa } from 'execa'
import { protoPath } from 'grpc-health-check'
import { controlClient } from '../../../shared/rpc/client.ts'
import { type Control, serveControl } from '../../../shared/rpc/control.ts'
import type { ControlClient } from '../../../shared/rpc/gen/crossport/v1/Control.ts'
import type { Status__Output } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { adminSocketOf, onlyOne } from '../../../shared/rpc/socket.ts'
import { readStatus, statusPieces } from '../../../shared/rpc/status.ts'
import { tempDir } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'

function fakeControl(): Control & { set(version: string): void } {
  let version = '1'
  const listeners = new Set<() => void>()
  return {
    getStatus: () => ({ role: 'agent', version }),
    onChange: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    resync: async () => ({ flowsAdded: 1, flowsChanged: 2, flowsDeleted: 3 }),
    teardown: async () => {
      throw new Error('the switch is away')
    },
    set: next => {
      version = next
      for (const listener of listeners) listener()
    },
  }
}

async function serve(t: ExecutionContext) {
  const socket = join(tempDir(t), 'run', 'agent.sock')
  const control = fakeControl()
  const server = await serveControl({ socket, control, log: memoryLog() })
  const client = controlClient(socket)
  const admin = controlClient(adminSocketOf(socket))
  t.teardown(async () => {
    client.close()
    admin.close()
    await server.close()
  })
  return { socket, control, client, admin }
}

const resync = (client: ControlClient) =>
  new Promise((resolve, reject) => client.Resync({}, (error, reply) => (error ? reject(error) : resolve(reply))))
const teardownFailure = (client: ControlClient) =>
  new Promise<grpc.ServiceError>(resolve => client.Teardown({}).on('error', resolve).resume())

test('status, resync, and the words of a failure come over the administrators’ socket', async t => {
  const { admin } = await serve(t)
  const status = await readStatus(admin)
  t.is(status.version, '1')
  t.deepEqual(status.services, [])
  t.deepEqual(await resync(admin), { flowsAdded: 1, flowsChanged: 2, flowsDeleted: 3 })
  t.is((await teardownFailure(admin)).details, 'the switch is away')
})

test('on the readers’ socket there is what only looks', async t => {
  const { socket, client } = await serve(t)
  t.is((await readStatus(client)).version, '1')
  const denied = { code: grpc.status.PERMISSION_DENIED }
  const why = /permission denied: this is asked on .*agent-admin\.sock, by root/
  t.regex((await t.throwsAsync(resync(client), denied)).message, why)
  t.like(await teardownFailure(client), denied)
  const list = (disturb: boolean) =>
    new Promise<grpc.ServiceError>(resolve => client.ListConnections({ disturb }).on('error', resolve).resume())
  t.like(await list(true), denied)
  t.like(await list(false), { code: grpc.status.UNIMPLEMENTED })
  t.is(adminSocketOf(socket), socket.replace('.sock', '-admin.sock'))
})

const asRoot = process.getuid!() === 0 ? test : test.skip
asRoot('the sockets are their groups’; one that cannot be given stays root’s, and the journal says so', async t => {
  const rights = (path: string) => {
    const { mode, gid } = statSync(path)
    return [(mode & 0o777).toString(8), gid]
  }
  const games = Number((await execa('getent', ['group', 'games'])).stdout.split(':')[2])
  const serving = async (name: string, readers: string, adminGroup?: string) => {
    const socket = join(tempDir(t), name)
    const log = memoryLog()
    const server = await serveControl({ socket, control: fakeControl(), log, readers, adminGroup })
    t.teardown(() => server.close())
    return { modes: [rights(socket), rights(adminSocketOf(socket))], log }
  }
  const both = await serving('both.sock', 'games', 'games')
  t.deepEqual(both.modes, [
    ['660', games],
    ['660', games],
  ])
  t.deepEqual(both.log.lines, [])
  const none = await serving('none.sock', 'no-such-group', 'no-such-group')
  t.deepEqual(none.modes, [
    ['600', 0],
    ['600', 0],
  ])
  const told = none.log.lines.map(({ level, err }) => [level, (err as { code?: string } | undefined)?.code])
  t.deepEqual(told.sort(), [
    ['notice', undefined],
    ['warn', 'ADMIN_GROUP'],
  ])
})

test('watch sends the status at once and after a burst of changes', async t => {
  const { control, client } = await serve(t)
  const call = client.Watch({})
  call.on('error', () => {})
  const seen: string[] = []
  const next = (wanted: string) =>
    new Promise<void>(resolve => {
      const look = (status: Status__Output) => {
        seen.push(status.version)
        if (status.version === wanted) {
          call.off('data', look)
          resolve()
        }
      }
      call.on('data', look)
    })
  await next('1')
  const last = next('4')
  for (const version of ['2', '3', '4']) control.set(version)
  await last
  t.deepEqual(seen, ['1', '4'])
  call.cancel()
})

test('a socket file that nobody serves is replaced, one in use is not', async t => {
  const socket = join(tempDir(t), 'agent.sock')
  // A killed listener leaves its file behind.
  await execa(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]).catch(() => {})
  t.true(existsSync(socket))
  const log = memoryLog()
  copyFileSync('/dev/null', `${socket}.left`)
  await onlyOne(`${socket}.left`, log)
  t.true(log.lines.some(({ err }) => (err as { code?: string } | undefined)?.code === 'DAEMON_KILLED'))
  await onlyOne(`${socket}.left`, log)
  t.is(log.lines.length, 1, 'it is gone')
  const server = await serveControl({ socket, control: fakeControl(), log: memoryLog() })
  await t.throwsAsync(serveControl({ socket, control: fakeControl(), log: memoryLog() }), { code: 'RPC_LISTEN' })
  await server.close()
  t.false(existsSync(socket), 'the socket is left behind')

  const other = createServer().listen(socket)
  await new Promise(resolve => other.once('listening', resolve))
  const error = await t.throwsAsync(serveControl({ socket, control: fakeControl(), log: memoryLog() }))
  t.regex(error?.message ?? '', /another process serves it/)
  await new Promise(resolve => other.close(resolve))
})

test('the standard health service answers', async t => {
  const { socket } = await serve(t)
  const health = grpc.loadPackageDefinition(protoLoader.loadSync(protoPath, { enums: String })) as unknown as {
    grpc: { health: { v1: { Health: grpc.ServiceClientConstructor } } }
  }
  const client = new health.grpc.health.v1.Health(`unix:${socket}`, grpc.credentials.createInsecure())
  t.teardown(() => client.close())
  const reply = await new Promise((resolve, reject) =>
    (client.check as (request: object, done: (error: Error | null, reply: unknown) => void) => void)(
      { service: 'crossport.v1.Control' },
      (error, answer) => (error ? reject(error) : resolve(answer)),
    ),
  )
  t.deepEqual(reply, { status: 'SERVING' })
})

test('a status of 20,000 real servers comes in pieces, and others have their turn between them', async t => {
  const realServers = Array.from({ length: 20_000 }, (_, n) => ({
    id: `rs-${n}`,
    vm: `vm-${n}`,
    reason: 'x'.repeat(300),
  }))
  const problems = Array.from({ length: 2000 }, (_, n) => ({
    severity: 'warning',
    code: 'REAL_SERVER',
    subject: `${n}`,
  }))
  const services = [
    { service: 'a', realServers },
    { service: 'b' },
    { service: 'c', realServers: realServers.slice(0, 3) },
  ]
  const status = { role: 'agent', services, problems }
  for (const piece of statusPieces(status)) {
    const items = (piece.services ?? []).reduce((sum, one) => sum + 1 + (one.realServers?.length ?? 0), 0)
    t.true(items + (piece.problems?.length ?? 0) <= 1000)
  }
  const socket = join(tempDir(t), 'agent.sock')
  const server = await serveControl({
    socket,
    control: { ...fakeControl(), getStatus: () => status },
    log: memoryLog(),
  })
  const client = controlClient(socket)
  t.teardown(async () => {
    client.close()
    await server.close()
  })
  const whole = await readStatus(client)
  t.deepEqual(
    whole.services.map(({ service, realServers: list }) => [service, list.length, list.at(-1)?.id]),
    [
      ['a', 20_000, 'rs-19999'],
      ['b', 0, undefined],
      ['c', 3, 'rs-2'],
    ],
  )
  t.is(whole.problems.length, 2000)
  t.false(whole.more)
})

test('a teardown says what it waits for, and is given up when its caller goes; there is one at a time', async t => {
  const socket = join(tempDir(t), 'agent.sock')
  const gone = Promise.withResolvers<void>()
  const control: Control = {
    ...fakeControl(),
    teardown: (waitingFor, signal) =>
      new Promise((_, reject) => {
        waitingFor('the switch: connection refused')
        signal.addEventListener('abort', () => {
          gone.resolve()
          reject(signal.reason)
        })
      }),
  }
  const server = await serveControl({ socket, control, log: memoryLog() })
  const client = controlClient(adminSocketOf(socket))
  t.teardown(async () => {
    client.close()
    await server.close()
  })
  const call = client.Teardown({})
  call.on('error', () => {})
  const [said] = (await once(call, 'data')) as [{ waitingFor: string }]
  t.is(said.waitingFor, 'the switch: connection refused')
  t.is((await teardownFailure(client)).details, 'another teardown is under way')
  call.cancel()
  await gone.promise
  t.pass()
})
