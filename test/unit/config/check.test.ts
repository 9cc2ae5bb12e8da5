import test from 'ava'
import { formatDuration, parseDuration } from '../../../shared/config/duration.ts'
import { parseServiceFile } from '../../../shared/config/parse.ts'
import { holds } from '../../../shared/config/pattern.ts'
import { checkOf } from '../health/fixtures.ts'

function reasons(check: string): string[] {
  const text = `service: web\nvip: 10.10.1.100\nport: 80\nrealServers: [{vm: a, port: 80}]\ncheck: ${check}\n`
  return parseServiceFile(text, 'web.yaml').problems.map(({ line, column, reason }) => `${line}:${column} ${reason}`)
}

test('a check has defaults', t => {
  const { interval, timeout, retryInterval, rise, fall, hold, passive, panic, path, status } = checkOf({ type: 'http' })
  t.deepEqual([interval, timeout, retryInterval, rise, fall, hold], [2000, 1000, 500, 2, 3, 15_000])
  t.deepEqual([passive, panic, path, status], ['warn', 100, '/', [{ first: 200, last: 399 }]])
})

test('durations', t => {
  t.deepEqual(['500ms', '2s', '1.5m', '1h', 3, 0.25].map(parseDuration), [500, 2000, 90_000, 3_600_000, 3000, 250])
  t.deepEqual(['', '2', '2 s', '-1s', 's', '1d', -1, Number.NaN].map(parseDuration), Array(8).fill(undefined))
  t.deepEqual([80, 2000, 15_500, 600_000, 5_400_000].map(formatDuration), ['80 ms', '2 s', '15.5 s', '10 min', '1.5 h'])
})

test('statuses and patterns', t => {
  t.deepEqual(checkOf({ type: 'http', status: [200, '300-302'] }).status, [
    { first: 200, last: 200 },
    { first: 300, last: 302 },
  ])
  t.true(holds('all is well', 'is well'))
  t.true(holds('lag: 12', '/lag: \\d{1,2}$/'))
  t.false(holds('lag: 123', '/lag: \\d{1,2}$/'))
  t.is(checkOf({ type: 'udp', send: 'ä' }).send, 'c3a4')
})

test('mistakes are told with their place and the way out', t => {
  t.deepEqual(reasons('{type: htp}'), [
    "5:15 check.type: 'htp' is not one of tcp, http, https, udp, exec (did you mean 'http'?)",
  ])
  t.deepEqual(reasons('{type: tcp, intervall: 2s}'), ["5:20 unknown key 'check.intervall' (did you mean 'interval'?)"])
  t.deepEqual(reasons('{type: tcp, interval: often}'), [
    "5:30 check.interval: 'often' is not a duration, such as 500ms, 2s or 1m",
  ])
  t.deepEqual(reasons('{type: tcp, interval: 1ms}'), ['5:30 check.interval: must be from 100 ms to 1 h, not 1ms'])
  t.deepEqual(reasons('{type: tcp, path: /x}'), ['5:26 check.path: means nothing to a tcp check, only to http, https'])
  t.deepEqual(reasons('{type: exec}'), ["5:8 check: needs 'command': the program to run in the guest"])
  t.deepEqual(reasons('{type: udp}'), ["5:8 check: needs 'send': a datagram that the real server answers, or sendHex"])
  t.deepEqual(reasons('{type: http, status: 20}'), [
    "5:29 check.status: '20' is not an HTTP status, such as 200 or 200-299",
  ])
  t.regex(reasons('{type: http, body: "/(/"}')[0] ?? '', /check\.body: Invalid regular expression/)
  t.regex(reasons('{type: http, body: "/(?=a)/"}')[0] ?? '', /check\.body: Invalid regular expression: .*\(\?=/)
  t.regex(
    reasons('{type: http, body: "/.{500}x/"}')[0] ?? '',
    /check\.body: the expression needs \d+ states, but at most 128 are allowed/,
  )
})

test('an answer on which a backtracking engine would be busy for hours is searched in the time of one search', t => {
  const answer = `${'a'.repeat(65_536)}!`
  for (const pattern of ['/(a+)+$/', '/^(\\w+\\s?)+$/', '/(a|aa)+$/']) t.false(holds(answer, pattern))
  t.true(holds(answer, '/(a+)+!$/'))
})
