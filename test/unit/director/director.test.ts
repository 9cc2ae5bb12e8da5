import { rename, rm, writeFile } from 'node:fs/promises'
import test from 'ava'
import { flushZone } from '../../../director/apply/conntrack.ts'
import { ZONE_BASE } from '../../../director/store/numbers.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { cleanupOf } from '../cleanup.ts'
import { curl, networkForFile, startProgram, VIP } from './network.ts'
import { directory, inSwitch, installed, realServer, scheduled, startAgent, startDirector } from './running.ts'

const prepared = networkForFile()
const SERVICE = `service: web
vip: ${VIP}
port: 80
scheduler: rr
realServers:
  - vm: web-*
    port: 8080
`

test.serial('one file and two agents: requests are answered; a real server that is not ready leaves', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  const hostServices = [{ hosts: 'rs*', vips: ['10.10.1.0/24'] }]
  const director = await startDirector(t, network, dir, 15_000, { hostServices })
  startAgent(t, network, dir, 0, [realServer('web-0')])
  const second = startAgent(t, network, dir, 1, [realServer('web-1', { state: 'pending' })])
  await writeFile(`${dir}/services.d/.web.yaml.tmp`, SERVICE)
  await rename(`${dir}/services.d/.web.yaml.tmp`, `${dir}/services.d/web.yaml`)

  await director.until(inSwitch(1))
  t.deepEqual([...(await curl(network, 5)).keys()], ['web-0'])
  second.update([realServer('web-1')])
  const status = await director.until(inSwitch(2))
  t.deepEqual([...(await curl(network, 40)).keys()].sort(), ['web-0', 'web-1'])
  t.deepEqual(
    status.hosts.map(host => [host.hostId, host.state, host.realServers]),
    [
      ['rs0', 'connected', 1],
      ['rs1', 'connected', 1],
    ],
  )
  t.deepEqual(status.problems, [])
  t.is(status.services[0]?.source, `${dir}/services.d/web.yaml:1`)

  second.update([realServer('web-1', { state: 'down', reason: 'the VM is shut off' })])
  const after = await director.until(inSwitch(1))
  t.is(after.services[0]?.realServers[1]?.reason, 'the VM is shut off')
  t.deepEqual([...(await curl(network, 10)).keys()], ['web-0'])

  await rm(`${dir}/services.d/web.yaml`)
  await director.until(now => now.services.length > 0 && now.services[0]?.source === 'host rs0')
  t.pass('what hosts still have from files of their own is served')
})

test.serial('a lease that runs out takes a host’s real servers out; a restart changes nothing', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await writeFile(`${dir}/services.d/web.yaml`, SERVICE)
  const first = await startDirector(t, network, dir, 1500)
  startAgent(t, network, dir, 0, [realServer('web-0')])
  const gone = startAgent(t, network, dir, 1, [realServer('web-1')])
  await first.until(inSwitch(2))
  t.deepEqual(await scheduled(network), [network.hosts[0]!.mac, network.hosts[1]!.mac])

  await gone.close()
  const lost = await first.until(inSwitch(1))
  t.deepEqual(await scheduled(network), [network.hosts[0]!.mac])
  t.is(lost.hosts[1]?.state, 'lost')
  t.deepEqual(
    lost.problems.map(({ code, subject }) => [code, subject]),
    [['HOST_LOST', 'rs1']],
  )

  const before = await installed(network)
  await first.stop()
  t.is(await installed(network), before, 'stopping leaves everything in place')
  const second = await startDirector(t, network, dir, 1500)
  const back = await second.until(({ hosts }) => hosts[0]?.state === 'connected')
  t.is(await installed(network), before)
  t.is(Number((await second.status()).switch?.flowChanges), 0, JSON.stringify(back.switch))
  t.is(await installed(network), before)
})

test.serial(
  'a stranger’s deletion is repaired, a stranger’s flow is left, vswitchd may restart, teardown removes only ours',
  async t => {
    const network = await prepared(t)
    const dir = await directory(t)
    await writeFile(`${dir}/services.d/web.yaml`, SERVICE)
    await network.ofctl(['add-flow', 'cookie=0x77,priority=1,udp,tp_dst=9 actions=NORMAL'])
    const director = await startDirector(t, network, dir)
    startAgent(t, network, dir, 0, [realServer('web-0')])
    const settled = await director.until(inSwitch(1))
    const before = await installed(network)

    await network.ofctl(['del-flows', 'table=104'])
    const changes = Number(settled.switch?.flowChanges)
    await director.until(({ switch: now }) => Number(now?.flowChanges) > changes)
    t.is(await installed(network), before)

    await network.stopVswitchd()
    await director.until(({ inputs }) => inputs.some(input => input.name === 'switch' && input.state === 'away'))
    await network.startVswitchd()
    const again = Number((await director.status()).switch?.flowChanges)
    await director.until(({ switch: now }) => Number(now?.flowChanges) > again)
    t.deepEqual(await scheduled(network), [network.hosts[0]!.mac])

    await network.ofctl(['add-flow', 'cookie=0x77,priority=1,udp,tp_dst=9 actions=NORMAL'])
    const zones = () => network.vsctl('list', 'CT_Timeout_Policy')
    t.regex(await zones(), /owner=crossport[\s\S]*tcp_established=900/)
    await director.teardown()
    t.is((await installed(network)).match(/cookie=/g)?.length, 1)
    t.regex(await installed(network), /cookie=0x77/)
    t.notRegex(await installed(network), /group_id/)
    t.is(await zones(), '')
  },
)

test.serial('a teardown while vswitchd is down says so, and nothing happens later when it was interrupted', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await writeFile(`${dir}/services.d/web.yaml`, SERVICE)
  const director = await startDirector(t, network, dir)
  startAgent(t, network, dir, 0, [realServer('web-0')])
  await director.until(inSwitch(1))
  await network.stopVswitchd()
  await director.until(({ problems }) => problems.some(({ code }) => code === 'SWITCH_UNREACHABLE'))
  const call = director.client.Teardown({})
  const ended = new Promise(resolve => call.on('error', resolve))
  const said = await new Promise<string>(resolve => call.on('data', ({ waitingFor }) => resolve(waitingFor ?? '')))
  t.regex(said, /^the switch: /)
  call.cancel()
  await ended
  const { problems } = await director.status()
  t.false(problems.some(({ code }) => code === 'TORN_DOWN'))
  await network.startVswitchd()
  await director.until(({ problems: now }) => now.length === 0)
  t.deepEqual(await scheduled(network), [network.hosts[0]!.mac])
})

test.serial('a large upload passes: sequence numbers are not checked, also after vswitchd has restarted', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await writeFile(`${dir}/services.d/web.yaml`, SERVICE)
  const sink = `import socket; s = socket.create_server(("0.0.0.0", 8081)); print("listening", flush=True)
while True:
    c, total = s.accept()[0], 0
    while data := c.recv(65536): total += len(data)
    c.sendall(b"%d" % total); c.close()`
  for (const host of network.hosts) await startProgram(cleanupOf(t), host, /listening/, ['python3', '-c', sink])
  const director = await startDirector(t, network, dir)
  startAgent(t, network, dir, 0, [realServer('web-0', { ingressPort: 8081 })])
  await director.until(inSwitch(1))
  const upload = `import socket; s = socket.create_connection(("${VIP}", 80), 10)
s.sendall(bytes(8_000_000)); s.shutdown(1); print(s.recv(99).decode())`
  t.is(await network.client.run('python3 -', upload), '8000000')
  const checks = () => network.appctl('dpctl/ct-get-tcp-seq-chk')
  t.regex(await checks(), /disabled/)

  await network.stopVswitchd()
  await director.until(({ inputs }) => inputs.some(input => input.name === 'switch' && input.state === 'away'))
  const before = Number((await director.status()).switch?.flowChanges)
  await network.startVswitchd()
  await director.until(({ switch: now }) => Number(now?.flowChanges) > before)
  t.regex(await checks(), /disabled/)
  t.is(await network.client.run('python3 -', upload), '8000000')
})

test.serial('two hosts that claim one MAC: the later one is a problem, not a surprise', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await writeFile(`${dir}/services.d/web.yaml`, SERVICE)
  const director = await startDirector(t, network, dir)
  startAgent(t, network, dir, 0, [realServer('web-0')])
  await director.until(inSwitch(1))
  const twin = startAgent(t, network, dir, 1, [realServer('web-1')])
  twin.setIdentity({ hostId: 'rs1', hostMac: network.hosts[0]!.mac, hostIp: '172.24.1.21', version: '1' })
  const status = await director.until(({ problems }) => problems.some(({ code }) => code === 'HOST_ADDRESS_TAKEN'))
  t.is(status.problems.find(({ code }) => code === 'HOST_ADDRESS_TAKEN')?.subject, 'rs1')
  t.deepEqual(await scheduled(network), [network.hosts[0]!.mac])
})

test.serial('the connections of one zone are forgotten, and no others', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await writeFile(`${dir}/services.d/web.yaml`, SERVICE)
  const director = await startDirector(t, network, dir)
  startAgent(t, network, dir, 0, [realServer('web-0')])
  await director.until(inSwitch(1))
  await curl(network, 1)
  const vswitchd = { rundir: network.rundir, log: quiet, clock: systemClock }
  const zones = async () => {
    const table = await network.appctl('dpctl/dump-conntrack')
    return new Set([...table.matchAll(/zone=(\d+)/g)].map(([, zone]) => Number(zone)))
  }
  const before = await zones()
  t.true(before.has(ZONE_BASE + 1))
  await flushZone(vswitchd, 'netdev', ZONE_BASE + 1)
  before.delete(ZONE_BASE + 1)
  t.deepEqual(await zones(), before)
  t.true(before.size > 0, 'whose turn it is, is still known')
})

test.serial('a director that was torn down sets up nothing, whatever it hears of', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  await writeFile(`${dir}/services.d/web.yaml`, SERVICE)
  const director = await startDirector(t, network, dir)
  const agent = startAgent(t, network, dir, 0, [realServer('web-0')])
  await director.until(inSwitch(1))
  const collectors = () => network.vsctl('list', 'Flow_Sample_Collector_Set')
  t.regex(await collectors(), /owner=crossport/)
  await director.teardown()
  t.is(await collectors(), '')
  agent.update([realServer('web-0', { state: 'down', reason: 'so it is' })])
  await director.until(({ services }) => services[0]?.realServers[0]?.reason === 'so it is')
  t.is(await collectors(), '')
  await new Promise((resolve, reject) => director.client.Resync({}, error => (error ? reject(error) : resolve(null))))
  t.regex(await collectors(), /owner=crossport/)
})
