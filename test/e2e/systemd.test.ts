import { readFileSync } from 'node:fs'
import test from 'ava'
import { ERRORS } from '../../shared/errors.ts'
import { bootMachine, type Machine } from './systemd/machine.ts'

const unit = (name: string) => readFileSync(new URL(`../../systemd/${name}.service`, import.meta.url), 'utf8')

/** The unit as it ships, with a daemon that needs neither a switch nor libvirt. */
const withTestDaemon = (name: string) => ({
  [`/etc/systemd/system/${name}.service`]: unit(name),
  [`/etc/systemd/system/${name}.service.d/test.conf`]: `[Service]
ExecCondition=
ExecStart=
ExecStart=/usr/lib/crossport/node_modules/.bin/node /usr/lib/crossport/test/e2e/systemd/daemon.ts --identifier ${name}
`,
})

let machine: Machine

test.before(async () => {
  machine = await bootMachine({ ...withTestDaemon('crossport-agent'), ...withTestDaemon('crossport-director') })
  await machine.exec('systemd-sysusers', '/usr/lib/crossport/systemd/crossport.sysusers')
})
test.after.always(() => machine?.close())

const show = async (property: string, name = 'crossport-agent') =>
  String((await machine.exec('systemctl', 'show', '--value', '-p', property, name)).stdout)

for (const name of ['crossport-agent', 'crossport-director']) {
  test.serial(`${name}: starts as Type=notify, and its lines have our fields in the journal`, async t => {
    await machine.exec('systemctl', 'start', name)
    t.is(await show('ActiveState', name), 'active')
    const [entry] = await machine.journal(`SYSLOG_IDENTIFIER=${name}`, 'CROSSPORT_VM=web-1')
    t.like(entry, {
      _SYSTEMD_UNIT: `${name}.service`,
      _TRANSPORT: 'journal',
      PRIORITY: '6',
      MESSAGE: 'ready vm=web-1',
    })
  })
}

test.serial('a dropped bad file is in the journal with file, line, column and message id', async t => {
  const file = '/etc/crossport/services.d/web.yaml'
  await machine.write(file, 'service: web\nvip: 10.10.1.100\nport: 99999\nrealServers: [{vm: a, port: 8080}]\n')
  const entry = await machine.untilJournal(
    ['SYSLOG_IDENTIFIER=crossport-agent', `MESSAGE_ID=${ERRORS.SPEC_INVALID.messageId}`],
    () => true,
  )
  t.like(entry, {
    PRIORITY: '3',
    CROSSPORT_FILE: file,
    CROSSPORT_LINE: '3',
    CROSSPORT_COLUMN: '7',
    CROSSPORT_SERVICE: 'web',
    CROSSPORT_CODE: 'SPEC_INVALID',
    CROSSPORT_HINT: ERRORS.SPEC_INVALID.hint,
  })
  t.true(entry.MESSAGE?.includes(`${file}:3:7: port: must be at most 65535, not 99999`))
})

test.serial('systemctl reload rereads; systemctl status shows what is in force', async t => {
  await machine.write(
    '/etc/crossport/services.d/web.yaml',
    'service: web\nvip: 10.10.1.100\nport: 80\nrealServers: [{vm: a, port: 8080}]\n',
  )
  await machine.exec('systemctl', 'reload', 'crossport-agent')
  await machine.untilJournal(['SYSLOG_IDENTIFIER=crossport-agent'], entry => entry.MESSAGE === 'reloaded')
  t.is(await show('StatusText'), '1 services in force')
})

test.serial('killed with SIGKILL it comes back by itself', async t => {
  const before = await show('MainPID')
  await machine.exec('systemctl', 'kill', '--signal=KILL', 'crossport-agent')
  await machine.untilJournal(
    ['SYSLOG_IDENTIFIER=crossport-agent', 'CROSSPORT_VM=web-1'],
    entry => entry._PID !== before,
  )
  t.not(await show('MainPID'), before)
  t.is(await show('NRestarts'), '1')
})

test.serial('a daemon that hangs is ended by the watchdog, and comes back', async t => {
  const name = 'crossport-director'
  t.is(await show('WatchdogUSec', 'crossport-agent'), '30s')
  await machine.write(`/etc/systemd/system/${name}.service.d/watchdog.conf`, '[Service]\nWatchdogSec=1\n')
  await machine.exec('systemctl', 'daemon-reload')
  await machine.exec('systemctl', 'restart', name)
  const before = await show('MainPID', name)
  await machine.exec('systemctl', 'kill', '--signal=STOP', name)
  await machine.untilJournal(
    [`SYSLOG_IDENTIFIER=${name}`, 'CROSSPORT_VM=web-1'],
    entry => Number(entry._PID) > Number(before),
  )
  t.is(await show('NRestarts', name), '1')
})

test.serial('stopping is clean, and leaves state and runtime directories', async t => {
  await machine.exec('systemctl', 'stop', 'crossport-agent')
  t.is(await show('Result'), 'success')
  t.is(await show('ActiveState'), 'inactive')
  await t.notThrowsAsync(async () => {
    await machine.exec('test', '-d', '/var/lib/crossport')
    await machine.exec('test', '-d', '/run/crossport')
  })
})

test.serial('the units pass systemd’s own check, and leave the daemons little to do harm with', async t => {
  const { stderr } = await machine.exec(
    'systemd-analyze',
    'verify',
    'crossport-agent.service',
    'crossport-director.service',
  )
  t.is(String(stderr), '')
  for (const [name, most] of [
    ['crossport-agent', 2],
    ['crossport-director', 1.9],
  ] as const) {
    const { stdout } = await machine.exec('systemd-analyze', 'security', '--no-pager', `${name}.service`)
    const score = /exposure level.*: ([\d.]+)/.exec(String(stdout))?.[1]
    t.log(`${name}: exposure ${score}`)
    t.true(Number(score) <= most, `${name}: exposure ${score}`)
  }
})
