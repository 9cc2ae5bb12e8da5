import test from 'ava'
import { CrossportError, ERRORS } from '../../../shared/errors.ts'
import { createLog } from '../../../shared/log/create.ts'
import { journalName, stderrIsJournal } from '../../../shared/log/journal.ts'
import type { Level } from '../../../shared/log/level.ts'
import type { Clock } from '../../../shared/run/clock.ts'

function manualClock() {
  const state = { now: 0 }
  const clock: Clock = {
    now: () => state.now,
    wall: () => new Date(Date.UTC(2026, 0, 2, 3, 4, 5) + state.now),
    after: () => () => {},
  }
  return { clock, state }
}

function lines(level: Level = 'info') {
  const out: string[] = []
  const { clock, state } = manualClock()
  const log = createLog({ identifier: 'crossport-test', level, to: 'stderr', clock, writeLine: line => out.push(line) })
  return { out, log, state }
}

test('a line has time, level, message and fields', t => {
  const { out, log } = lines()
  log.with({ service: 'web' }).info('VIP set', { vm: 'web 1' })
  t.deepEqual(out, ['2026-01-02T03:04:05.000Z INFO   VIP set service=web vm="web 1"'])
})

test('levels below the threshold are not written', t => {
  const { out, log } = lines('warn')
  log.notice('no')
  log.warn('yes')
  t.is(out.length, 1)
})

test('an error is written with its causes, its fields, its code and the hint', t => {
  const { out, log } = lines()
  const err = new CrossportError('SPEC_INVALID', 'a.yaml:3:5: vip: not an address', {
    fields: { file: 'a.yaml', line: 3 },
    cause: new Error('bad octet', { cause: new Error('root') }),
  })
  log.error('service file rejected', { err })
  t.is(
    out[0]?.slice(25),
    'ERROR  service file rejected: a.yaml:3:5: vip: not an address: bad octet: root file=a.yaml line=3 ' +
      `code=SPEC_INVALID (${ERRORS.SPEC_INVALID.hint})`,
  )
})

test('control characters cannot forge a line', t => {
  const { out, log } = lines()
  log.info('guest said', { text: 'x\n2026 ERROR forged\x1b[31m', err: new Error('a\nb') })
  t.is(out.length, 1)
  t.is(out[0]?.includes('\n'), false)
  t.is(out[0]?.includes('\x1b'), false)
  t.regex(out[0] ?? '', /a\\nb .*x\\n2026/)
})

test('repeats are held back, counted, and the count is written when the window is over', t => {
  const { out, log, state } = lines()
  for (let i = 0; i < 100; i++) log.warn('connecting failed', { to: '10.0.0.1' })
  log.warn('connecting failed', { to: '10.0.0.2' })
  t.is(out.length, 6)
  state.now = 30_001
  log.info('other')
  t.regex(out[6] ?? '', /WARN {3}95 more times: connecting failed to=10\.0\.0\.1$/)
  t.regex(out[7] ?? '', /INFO {3}other$/)
  log.warn('connecting failed', { to: '10.0.0.1' })
  t.is(out.length, 9)
})

test('a retry that counts is the same message every time; other numbers tell messages apart', t => {
  const { out, log } = lines()
  for (let i = 0; i < 20; i++)
    log.warn(`the attempt has failed; trying again in ${i * 10} ms`, { failures: i, retryMs: i })
  t.is(out.length, 5)
  for (let port = 1; port <= 20; port++) log.warn('port taken', { port })
  t.is(out.length, 25)
})

test('debug lines are never held back', t => {
  const { out, log } = lines('debug')
  for (let i = 0; i < 10; i++) log.debug('x')
  t.is(out.length, 10)
})

test('a journal entry carries priority, identifier, message id and our fields', t => {
  const entries: string[][] = []
  const log = createLog({
    identifier: 'crossport-agent',
    to: 'journal',
    sendEntry: fields => entries.push(fields.map(String)) && 0,
  })
  log
    .with({ service: 'web' })
    .error('rejected', { rsPort: 8080, err: new CrossportError('SPEC_INVALID', 'bad', { fields: { line: 3 } }) })
  const entry = Object.fromEntries(
    (entries[0] ?? []).map(f => [f.slice(0, f.indexOf('=')), f.slice(f.indexOf('=') + 1)]),
  )
  t.like(entry, {
    PRIORITY: '3',
    SYSLOG_IDENTIFIER: 'crossport-agent',
    MESSAGE_ID: ERRORS.SPEC_INVALID.messageId,
    CROSSPORT_SERVICE: 'web',
    CROSSPORT_RS_PORT: '8080',
    CROSSPORT_LINE: '3',
    CROSSPORT_CODE: 'SPEC_INVALID',
    CROSSPORT_ERROR: 'bad',
  })
  t.regex(entry.MESSAGE ?? '', /^rejected: bad service=web/)
  t.regex(entry.CODE_FILE ?? '', /log\.test\.ts$/)
  t.regex(entry.CODE_LINE ?? '', /^\d+$/)
})

test('an entry that the journal refuses goes to stderr', t => {
  const out: string[] = []
  const log = createLog({ identifier: 'x', to: 'journal', sendEntry: () => -2, writeLine: line => out.push(line) })
  log.info('hello')
  t.regex(out[0] ?? '', /hello$/)
})

test('field names become valid journal names', t => {
  t.is(journalName('hostMac'), 'CROSSPORT_HOST_MAC')
  t.is(journalName('vm'), 'CROSSPORT_VM')
  t.is(journalName('a.b-c'), 'CROSSPORT_A_B_C')
  t.true(journalName('x'.repeat(100)).length <= 64)
})

test('stderr is the journal only when device and inode agree', t => {
  t.false(stderrIsJournal({}))
  t.false(stderrIsJournal({ JOURNAL_STREAM: '1:2' }))
})

test('every message id is 32 hex digits and used once', t => {
  const ids = Object.values(ERRORS).map(entry => entry.messageId)
  for (const id of ids) t.regex(id, /^[0-9a-f]{32}$/)
  t.is(new Set(ids).size, ids.length)
})

test('the place of a message is its caller', t => {
  const entries: string[][] = []
  const sendEntry = (fields: readonly Buffer[]) => entries.push(fields.map(String))
  const caller = () => createLog({ identifier: 'x', to: 'journal', sendEntry }).with({ service: 'web' }).warn('look')
  caller()
  t.true(entries[0]?.includes('CODE_FUNC=caller'), entries[0]?.join('\n'))
})
