import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import test from 'ava'
import { execa } from 'execa'
import { buildPackages } from '../../packaging/build.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { bootMachine, type Machine } from '../e2e/systemd/machine.ts'
import { root } from '../lab/paths.ts'

/**
 * The Debian packages, on Debian systems that have neither npm nor Node nor a network: installed, set up, upgraded, removed, purged.
 * What the daemons have put into the switch outlives all of it.
 */
const debian = path.join(root, 'build/debian/current')
const QUIET: Readonly<Record<string, string>> = {
  // The userspace datapath needs no kernel module.
  '/usr/share/openvswitch/scripts/ovs-kmod-ctl': '#!/bin/sh\nexit 0\n',
  // Users, control groups and namespaces of QEMU's, of which there is none.
  '/etc/libvirt/qemu.conf':
    'user = "root"\ngroup = "root"\nsecurity_driver = "none"\ncgroup_controllers = []\nnamespaces = []\n',
  // As polkit's rule has it, where there is polkit.
  '/etc/libvirt/libvirtd.conf': 'auth_unix_rw = "none"\nunix_sock_group = "libvirt"\nunix_sock_rw_perms = "0770"\n',
}
const SERVICE = 'service: web\nvip: 10.10.1.100\nport: 80\nrealServers: [{ vm: web-*, port: 8080 }]\n'

let work: string
let machine: Machine
let removed: string
const folder = (name: string) => path.join(work, name)
const sh = async (command: string, on = machine) => String((await on.exec('sh', '-euc', command)).stdout)

test.before(async () => {
  mkdirSync(path.join(root, 'build'), { recursive: true })
  work = mkdtempSync(path.join(root, 'build/.package-test-'))
  for (const name of ['0.1.0', '0.1.1']) mkdirSync(folder(name))
  await buildPackages(folder('0.1.0'), '0.1.0')
  await Promise.all(readdirSync(folder('0.1.0')).map(nextVersion))
  machine = await bootMachine(QUIET, { root: path.join(debian, 'bookworm'), bind: [work, '/packages'] })
})
test.after.always(async () => {
  await machine?.close()
  rmSync(work, { recursive: true, force: true })
})

/** The same package under the next version, not compressed. */
async function nextVersion(file: string): Promise<void> {
  const tree = folder(`${file}.tree`)
  await execa('dpkg-deb', ['--raw-extract', path.join(folder('0.1.0'), file), tree])
  await execa('sed', ['-i', 's/0\\.1\\.0/0.1.1/', path.join(tree, 'DEBIAN/control')])
  await execa('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, folder('0.1.1')])
  rmSync(tree, { recursive: true })
}

/** Follows a daemon's status until it is as expected. */
async function untilStatus(name: 'agent' | 'director', ok: (status: Status__Output) => boolean): Promise<void> {
  const command = ['crossport', 'status', '--watch', '--json', '--socket', `/run/crossport/${name}.sock`] as const
  await machine.untilLine(command, line => ok(JSON.parse(line) as Status__Output))
}
const inForce = (status: Status__Output) =>
  status.services.length === 1 && status.switch !== null && status.switch.desiredFlows === status.switch.installedFlows

/** Flows of a bridge that are ours, as their cookie, table, match and actions, sorted; and the shortest time that one is there. */
async function flows(bridge: string): Promise<{ flows: string[]; seconds: number }> {
  const dump = await sh(`ovs-ofctl -O OpenFlow15 dump-flows ${bridge} | grep 0xc705`).catch(() => '')
  const lines = dump.split('\n').filter(Boolean)
  return {
    flows: lines.map(line => line.replace(/(duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*, /g, '').trim()).sort(),
    seconds: Math.min(...lines.map(line => Number(/duration=([\d.]+)s/.exec(line)?.[1]))),
  }
}

test.serial('installs on a bare Debian 12, and says what is to be done first', async t => {
  t.is(await sh('command -v node npm; ls /usr/lib/x86_64-linux-gnu/libatomic* 2>/dev/null || true').catch(() => ''), '')
  await sh('ip link set lo up; systemctl start ovs-vswitchd')
  const said = await sh('dpkg -i /packages/0.1.0/*.deb 2>&1')
  t.regex(said, /crossport-agent: not set up yet\. Run: crossport-agent setup/)
  t.regex(said, /crossport-director: not set up yet\. Write \/etc\/crossport\/director\.yaml/)
  for (const role of ['agent', 'director']) {
    t.is(await sh(`systemctl is-enabled crossport-${role}`), 'enabled')
    await machine.untilJournal([`_SYSTEMD_UNIT=crossport-${role}.service`], entry =>
      /^not set up yet: .*\/etc\/crossport\//.test(entry.MESSAGE!),
    )
    t.is(await sh(`systemctl show --value -p ActiveState crossport-${role}`), 'inactive')
  }
  t.is(
    await sh(
      'systemd-analyze verify --man=no crossport-agent.service crossport-director.service 2>&1 | grep crossport || true',
    ),
    '',
  )
  t.is((await machine.exec('crossport', 'status').catch(error => error)).exitCode, 2)
})

test.serial('set up, both daemons start, and a file that is dropped is in force', async t => {
  await sh(`groupadd -rf kvm; useradd -r libvirt-qemu; systemd-run --quiet --unit=libvirtd libvirtd
    ip link add up0 type veth peer name up1; ip link add c0 type veth peer name c1
    ovs-vsctl -- add-br br0 -- set bridge br0 datapath_type=netdev -- add-port br0 up0 \\
      -- add-br br1 -- set bridge br1 datapath_type=netdev -- add-port br1 up1 -- add-port br1 c0
    ip link set c0 up; ip link set c1 up; ip addr add 10.10.1.9/24 dev c1`)
  const unclear = await machine.exec('crossport-agent', 'setup').catch(error => error)
  t.regex(String(unclear.stderr), /which bridge\? In Open vSwitch there are br0, br1/)
  await machine.write('/etc/crossport/agent.yaml', '# rs1\ndirector: 127.0.0.1\nhostIp: 127.0.0.1\nhostId: rs1\n')
  await sh('crossport-agent setup --bridge br0')
  const config = '# rs1\ndirector: 127.0.0.1\nhostIp: 127.0.0.1\nhostId: rs1\nbridge: br0\nuplink: up0'
  t.is(await sh('cat /etc/crossport/agent.yaml'), config)
  await machine.write('/etc/crossport/director.yaml', 'bridge: br1\nuplink: up1\nlisten: 127.0.0.1:7473\n')
  await machine.write('/etc/crossport/services.d/web.yaml', SERVICE)
  await sh('systemctl start crossport-director && systemctl start crossport-agent')
  await untilStatus('director', status => inForce(status) && status.hosts.some(host => host.state === 'connected'))
  await untilStatus('agent', inForce)
  const loaded = await sh(
    'ls -l /proc/$(systemctl show --value -p MainPID crossport-agent)/map_files | grep -o "/usr/lib/crossport/.*" | sort -u',
  )
  t.deepEqual(
    loaded.split('\n'),
    ['bin/node', 'lib/libatomic.so.1', 'native/koffi.node', 'native/linux-x64.node'].map(
      name => `/usr/lib/crossport/${name}`,
    ),
  )
})

test.serial('journalctl -x explains a message: what is wrong with this file, and what to do', async t => {
  await machine.write('/etc/crossport/services.d/bad.yaml', 'service: bad\nvip: 10.10.1.101\nprot: 80\n')
  const matches = ['SYSLOG_IDENTIFIER=crossport-director', 'CROSSPORT_CODE=SPEC_INVALID']
  await machine.untilJournal(matches, () => true)
  const said = await sh(`journalctl -x --no-pager ${matches.join(' ')}; rm /etc/crossport/services.d/bad.yaml`)
  t.regex(said, /Subject: SPEC_INVALID/)
  t.regex(said, /bad\.yaml:3:1: unknown key 'prot'/)
  t.regex(said, /What to do: correct the service file/)
  await untilStatus('director', inForce)
})

test.serial('the journal has the place that a message comes from, although all code is in one file', async t => {
  const entries = await machine.journal('SYSLOG_IDENTIFIER=crossport-agent')
  const places = entries.map(entry => `${entry.CODE_FILE}:${entry.CODE_LINE}`)
  t.true(places.every(place => place.startsWith('/usr/lib/crossport/agent/main.js:')))
  t.true(new Set(places).size > 1)
})

test.serial(
  'an upgrade restarts the daemons, keeps the configuration, and touches no flow; the VIP answers all the time',
  async t => {
    const pids = await sh('systemctl show --value -p MainPID crossport-agent crossport-director')
    const before = [await flows('br0'), await flows('br1')]
    const asked = sh(
      'until [ -e /run/asked ]; do if arping -q -f -c 1 -w 1 -I c1 10.10.1.100; then echo answered; else echo lost; fi; done',
    )
    await sh('dpkg -i /packages/0.1.1/*.deb')
    for (const [index, name] of (['agent', 'director'] as const).entries()) {
      await sh(`systemctl start crossport-${name}`)
      await untilStatus(name, status => status.version === '0.1.0' && inForce(status))
      const after = await flows(`br${index}`)
      t.deepEqual(after.flows, before[index]!.flows)
      t.true(after.seconds > before[index]!.seconds, 'no flow has been made anew')
    }
    t.notDeepEqual(
      (await sh('systemctl show --value -p MainPID crossport-agent crossport-director')).split('\n'),
      pids.split('\n'),
    )
    await machine.write('/run/asked', '')
    const answers = (await asked).split('\n')
    t.true(answers.length > 10)
    t.deepEqual([...new Set(answers)], ['answered'])
    t.is(await sh('cat /etc/crossport/services.d/web.yaml'), SERVICE.trim())
  },
)

test.serial('removal leaves configuration and flows, and says how to take them out', async t => {
  const before = [(await flows('br0')).flows, (await flows('br1')).flows]
  const said = await sh('dpkg -r crossport-agent crossport-director crossport 2>&1')
  t.regex(said, /crossport-agent: its flows stay in the switch and the VIPs in the VMs, and traffic goes on/)
  t.regex(said, /install the package again and run: crossport teardown/)
  t.deepEqual([(await flows('br0')).flows, (await flows('br1')).flows], before)
  t.is(await sh('ls /etc/crossport'), 'agent.yaml\ndirector.yaml\nservices.d')
  t.is(await sh('readlink /proc/*/exe | grep /usr/lib/crossport || true'), '')
})

test.serial(
  'purge leaves the flows and what the operator wrote; the command that it names removes the flows',
  async t => {
    const before = [(await flows('br0')).flows, (await flows('br1')).flows]
    removed = await sh('dpkg -P crossport-agent crossport-director crossport 2>&1')
    t.deepEqual([(await flows('br0')).flows, (await flows('br1')).flows], before)
    t.true(before.every(each => each.length > 0))
    t.is(await sh('cd /etc/crossport && find . -type f'), './services.d/web.yaml')
    t.is(await sh('ls -d /var/lib/crossport /var/cache/crossport /usr/lib/crossport 2>/dev/null || true'), '')
    const commands = removed.split('\n').filter(line => line.startsWith('  ovs-ofctl'))
    t.is(commands.length, 2)
    for (const command of commands) await sh(command)
    t.deepEqual([(await flows('br0')).flows, (await flows('br1')).flows], [[], []])
  },
)

test.serial('runs on Debian 13', async t => {
  const other = await bootMachine(QUIET, { root: path.join(debian, 'trixie'), bind: [work, '/packages'] })
  try {
    await sh(
      'ip link set lo up; systemctl start ovs-vswitchd; ovs-vsctl add-br br1 -- set bridge br1 datapath_type=netdev',
      other,
    )
    await other.write('/etc/crossport/director.yaml', 'bridge: br1\nuplink: br1\nlisten: 127.0.0.1:7473\n')
    await sh('dpkg -i /packages/0.1.1/*.deb && systemctl start crossport-director', other)
    const { stdout } = await other.exec('crossport', 'status', '--json').catch((error: { stdout: string }) => error)
    t.is((JSON.parse(String(stdout)) as Status__Output).inputs.find(({ name }) => name === 'ovsdb')?.state, 'in sync')
  } finally {
    await other.close()
  }
})
