import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { command } from '../../../director/commands/program.ts'
import { openBook } from '../../../director/pki/book.ts'
import { writeWhole } from '../../../shared/identity/files.ts'
import { serveControl } from '../../../shared/rpc/control.ts'
import { adminSocketOf } from '../../../shared/rpc/socket.ts'
import { tempDir } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'

const issued = { serial: 'A', notBefore: 0, notAfter: Date.now() + 1e9 }

/** A director's machine where rs1 and director d2 have certificates; `revoked`: what the daemon says, if one runs. */
async function scene(t: ExecutionContext, revoked?: (hostId: string) => boolean) {
  const dir = tempDir(t)
  const file = join(dir, 'director.yaml')
  const controlSocket = join(dir, 'director.sock')
  writeWhole(file, JSON.stringify({ id: 'd1', pki: dir, stateFile: join(dir, 'x.db'), controlSocket }), 0o600)
  const book = openBook(join(dir, 'authority.db'))
  t.teardown(() => book.close())
  book.renewed({ role: 'host', name: 'rs1' }, undefined, issued)
  book.renewed({ role: 'director', name: 'd2' }, undefined, issued)
  if (revoked !== undefined) {
    const control = { revoked, onChange: () => () => {} }
    const server = await serveControl({ socket: controlSocket, control: control as never, log: memoryLog() })
    t.teardown(() => server.close())
    t.truthy(adminSocketOf(controlSocket))
  }
  const revoke = async (host: string) => {
    const said = { out: '', err: '' }
    const io = { out: (text: string) => void (said.out += text), err: (text: string) => void (said.err += text) }
    return { code: await command(['revoke', host, '--config', file], io), ...said }
  }
  return { book, revoke }
}

test('a host that is known to the book, or to the daemon, is revoked', async t => {
  const alone = await scene(t)
  const one = await alone.revoke('rs1')
  t.is(one.code, 0, one.err)
  t.regex(one.out, /^host rs1 is revoked.*\nno director runs here now; it knows when it starts\n$/)
  t.is((await alone.revoke('rs1')).code, 0, 'a second time')
  const running = await scene(t, hostId => hostId === 'rs7')
  const other = await running.revoke('rs7')
  t.is(other.code, 0, other.err)
  t.regex(other.out, /its real servers have left scheduling/)
})

test('a name that nobody knows, and a director, end with exit code 1, and are written all the same', async t => {
  const { book, revoke } = await scene(t, () => false)
  const nobody = await revoke('sr1')
  t.is(nobody.code, 1)
  t.regex(nobody.err, /^no host sr1 is known here: .*\n.*\(HOST_UNKNOWN\)\n$/)
  t.truthy(book.revokedAt('sr1'))
  for (const director of ['d1', 'd2']) {
    const { code, err } = await revoke(director)
    t.is(code, 1)
    t.regex(err, /is a director, and no host: /)
  }
})

test('a daemon that cannot be told: what is written has been said, and what to do', async t => {
  const { book, revoke } = await scene(t, () => {
    throw new Error('no')
  })
  const { code, out, err } = await revoke('rs1')
  t.is(code, 1)
  t.regex(out, /^host rs1 is revoked/)
  t.regex(err, /it is written, and the director that runs here could not be told[\s\S]*\(REVOKED_UNTOLD\)/)
  t.truthy(book.revokedAt('rs1'))
})
