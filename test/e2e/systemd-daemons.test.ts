import { readFileSync } from 'node:fs'
import test from 'ava'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { bootMachine, type Machine } from './systemd/machine.ts'

/**
 * Both daemons, as they ship, on one machine: under their unit files' restrictions, with Open vSwitch's and libvirt's own units.
 */
const unit = (name: string) => readFileSync(new URL(`../../systemd/${name}.service`, import.meta.url), 'utf8')
const CROSSPORT = '/usr/lib/crossport/cli/crossport'
const SERVICE = `service: web
vip: 10.10.1.100
port: 80
realServers:
  - vm: web-*
    port: 8080
`

let machine: Machine
const sh = async (command: string) => String((await machine.exec('sh', '-euc', command)).stdout)

test.before(async () => {
  machine = await bootMachine({
    '/etc/systemd/system/crossport-agent.service': unit('crossport-agent'),
    '/etc/systemd/system/crossport-director.service': unit('crossport-director'),
    '/etc/crossport/agent.yaml': 'bridge: br0\nuplink: up0\nhostIp: 127.0.0.1\nhostId: rs1\n',
    '/etc/crossport/director.yaml': 'bridge: br1\nuplink: up1\ncertificateLifetime: 60s\n',
    // The userspace datapath needs no kernel module.
    '/usr/share/openvswitch/scripts/ovs-kmod-ctl': '#!/bin/sh\nexit 0\n',
    '/etc/libvirt/qemu.conf':
      'user = "root"\ngroup = "root"\nsecurity_driver = "none"\ncgroup_controllers = []\nnamespaces = []\n',
  })
  await sh('systemd-sysusers /usr/lib/crossport/systemd/crossport.sysusers')
  await sh('ip link set lo up; systemctl start dbus ovs-vswitchd libvirtd')
  await sh(`ip link add up0 type veth peer name up1
    ovs-vsctl -- add-br br0 -- set bridge br0 datapath_type=netdev -- add-port br0 up0 \\
      -- add-br br1 -- set bridge br1 datapath_type=netdev -- add-port br1 up1`)
})
test.after.always(() => machine?.close())

/** Follows the director's status until it is as expected. */
async function untilStatus(
  name: 'agent' | 'director',
  ok: (status: Status__Output) => boolean,
): Promise<Status__Output> {
  const command = [CROSSPORT, 'status', '--watch', '--json', '--socket', `/run/crossport/${name}.sock`] as const
  const parse = (line: string) => JSON.parse(line) as Status__Output
  return parse(await machine.untilLine(command, line => ok(parse(line))))
}

const flows = (bridge: string) =>
  sh(`ovs-ofctl -O OpenFlow15 --no-stats dump-flows ${bridge} | grep cookie | grep -v 'cookie=0x0,' | sort`).catch(
    () => '',
  )
/** A daemon is up when its flows are confirmed, and answers soon after. */
const answering = (name: string) => sh(`until [ -S /run/crossport/${name}-admin.sock ]; do sleep 0.05; done`)
const mainPid = (name: string) => sh(`systemctl show --value -p MainPID crossport-${name}`)

test.serial('both start, register, and nothing that the units forbid is missed', async t => {
  // One after the other: an agent that is faster than its director reports that, and rightly.
  await sh(`cd /usr/lib/crossport/cli; ./crossport-director init; systemctl start crossport-director
    ./crossport-agent join 127.0.0.1 $(./crossport-director token); systemctl start crossport-agent`)
  const { hosts } = await untilStatus('director', status => status.hosts.some(host => host.state === 'connected'))
  t.is(hosts[0]?.hostId, 'rs1')
  const { inputs } = await untilStatus('agent', status => status.inputs.some(input => input.state === 'registered'))
  t.deepEqual(
    inputs.filter(({ state }) => !['in sync', 'registered'].includes(state)),
    [],
  )
  t.deepEqual(
    (await machine.journal('-p', 'warning', '-u', 'crossport-agent', '-u', 'crossport-director')).map(
      entry => entry.MESSAGE,
    ),
    [],
  )
})

test.serial('what is the CA’s and the director’s is empty where the agent looks', async t => {
  const files = ['/etc/crossport/pki/ca.key', '/var/lib/crossport/authority.db', '/var/lib/crossport/director.db']
  const sizes = async (name: string) =>
    (
      await sh(
        `cd /proc/$(systemctl show --value -p MainPID crossport-${name})/root; stat -c %s ${files.map(file => `.${file}`).join(' ')}`,
      )
    )
      .trim()
      .split('\n')
  t.deepEqual(await sizes('agent'), ['0', '0', '0'])
  t.false((await sizes('director')).includes('0'))
})

test.serial('neither is root, and what they have made is for nobody else; the group may look', async t => {
  for (const name of ['agent', 'director']) {
    const status = await sh(`cat /proc/$(systemctl show --value -p MainPID crossport-${name})/status`)
    const field = (key: string) => new RegExp(`^${key}:\\s+(.*)$`, 'm').exec(status)?.[1] ?? ''
    t.notRegex(field('Uid'), /\b0\b/)
    const rights = name === 'agent' ? (1 << 1) | (1 << 12) : 1 << 1
    for (const set of ['CapEff', 'CapBnd']) t.is(Number.parseInt(field(set), 16), rights, `${name} ${set}`)
  }
  const modes = await sh(
    "stat -c '%a %U %G %n' /var/lib/crossport /run/crossport /var/lib/crossport/* /run/crossport/*",
  )
  const seen = Object.fromEntries(
    modes.split('\n').map(line => [line.split(' ')[3], line.split(' ').slice(0, 3).join(' ')]),
  )
  const own = 'crossport crossport'
  t.like(seen, { '/var/lib/crossport': `750 ${own}`, '/run/crossport': `750 ${own}` })
  for (const name of ['agent', 'director'])
    t.like(seen, {
      [`/run/crossport/${name}.sock`]: `660 ${own}`,
      [`/run/crossport/${name}-admin.sock`]: `600 ${own}`,
      [`/var/lib/crossport/${name}.db`]: `600 ${own}`,
      [`/var/lib/crossport/${name}.db-wal`]: `600 ${own}`,
      [`/var/lib/crossport/${name}.db-shm`]: `600 ${own}`,
    })
  const as = (group: string, command: string) =>
    sh(`setpriv --reuid=nobody --regid=${group} --clear-groups ${CROSSPORT} ${command} 2>&1 && echo 0 || echo $?`)
  t.regex(await as('crossport', 'status'), /director: registered[\s\S]*\n[01]$/)
  t.regex(await as('crossport', 'resync'), /agent-admin\.sock: permission denied: run as root[\s\S]*\n2$/)
  t.regex(
    await as('nogroup', 'status'),
    /agent\.sock: permission denied: be in group crossport, or run as root[\s\S]*\n2$/,
  )
})

test.serial("the agent's unit may set up the device of health checks", async t => {
  await sh('ip link add probe0 type veth peer name probe1')
  const script = `import { setUpDevice } from '/usr/lib/crossport/agent/probe-port/device.ts'
await setUpDevice('probe0', '169.254.96.1/19')`
  await machine.write('/tmp/device.mjs', script)
  await machine.write('/etc/systemd/system/device.service', unit('crossport-agent'))
  await machine.write(
    '/etc/systemd/system/device.service.d/test.conf',
    `[Service]
Type=oneshot
Restart=no
PrivateTmp=no
ExecStart=
ExecStart=/usr/lib/crossport/node_modules/.bin/node /tmp/device.mjs
`,
  )
  await sh('systemctl daemon-reload && systemctl start device')
  t.regex(await sh('ip address show probe0'), /NOARP[\s\S]*inet 169\.254\.96\.1\/19/)
})

test.serial('a file dropped on the director reaches the host', async t => {
  await machine.write('/etc/crossport/services.d/web.yaml', SERVICE)
  await untilStatus('director', status => status.services.length === 1)
  const { services } = await untilStatus('agent', status => status.services.length === 1)
  t.is(services[0]?.vip, '10.10.1.100')
})

test.serial('a daemon that does not run leaves its flows; started again it changes none', async t => {
  await untilStatus(
    'director',
    ({ switch: sw }) => sw !== null && sw.desiredFlows > 0 && sw.desiredFlows === sw.installedFlows,
  )
  const before = await flows('br1')
  t.not(before, '')
  await sh('systemctl stop crossport-director')
  t.is(await flows('br1'), before)
  await sh('systemctl start crossport-director')
  await answering('director')
  await machine.exec(CROSSPORT, 'resync', '--socket', '/run/crossport/director.sock')
  const again = await untilStatus('director', ({ hosts }) => hosts.some(host => host.state === 'connected'))
  t.is(again.switch?.flowChanges, 0)
  t.is(await flows('br1'), before)
})

for (const name of ['agent', 'director'] as const) {
  test.serial(`${name}: killed with SIGKILL it comes back by itself, to the same flows`, async t => {
    const bridge = name === 'agent' ? 'br0' : 'br1'
    const [before, pid] = [await flows(bridge), await mainPid(name)]
    await sh(`systemctl kill --signal=KILL crossport-${name}`)
    await machine.untilJournal(
      ['_SYSTEMD_UNIT=init.scope', `UNIT=crossport-${name}.service`, 'JOB_TYPE=restart', 'JOB_RESULT=done'],
      () => true,
    )
    // Waits until systemd's own restart has ended.
    await sh(`systemctl start crossport-${name}`)
    t.not(await mainPid(name), pid)
    await answering(name)
    await machine.exec(CROSSPORT, 'resync', '--socket', `/run/crossport/${name}.sock`)
    t.is(await flows(bridge), before)
    const status = await untilStatus(name, () => true)
    t.is(status.switch?.flowChanges, 0)
  })
}

test.serial('crossport status names a rejected file with its line, and exits with 1', async t => {
  await machine.write('/etc/crossport/services.d/bad.yaml', 'service: bad\nvip: 10.10.1.101\nprot: 80\n')
  await untilStatus('agent', status => status.problems.some(({ subject }) => subject.includes('bad.yaml:3:1')))
  const { exitCode, stdout } = await machine
    .exec(CROSSPORT, 'status', '--socket', '/run/crossport/agent.sock')
    .catch((error: { exitCode: number; stdout: string }) => error)
  t.is(exitCode, 1)
  t.regex(String(stdout), /bad\.yaml:3:1 +SPEC_INVALID +unknown key 'prot' \(did you mean 'port'\?\)/)
})

test.serial('both renew their certificates, with the rights that the units give them', async t => {
  for (const name of ['agent', 'director']) {
    const { CROSSPORT_FILE } = await machine.untilJournal([`_SYSTEMD_UNIT=crossport-${name}.service`], ({ MESSAGE }) =>
      MESSAGE!.startsWith('the certificate has been read anew'),
    )
    t.is(CROSSPORT_FILE, `/etc/crossport/pki/${name}.pem`)
    t.is(await sh(`stat -c %a /etc/crossport/pki/${name}.pem`), '600')
  }
})

test.serial('teardown takes everything out', async t => {
  await machine.exec(CROSSPORT, 'teardown', '--yes')
  t.is(await flows('br0'), '')
  t.is(await flows('br1'), '')
})
