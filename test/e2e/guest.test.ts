import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { createGuestManager } from '../../agent/guest/manager.ts'
import type { VipStatus } from '../../agent/guest/types.ts'
import type { Domain } from '../../agent/inventory/types.ts'
import { watchInventory } from '../../agent/inventory/watch.ts'
import type { GuestRecord, GuestRecords } from '../../agent/store/types.ts'
import { createAgentCaller } from '../../shared/libvirt/agent.ts'
import { quiet } from '../../shared/log/quiet.ts'
import { systemClock } from '../../shared/run/clock.ts'
import { createLab } from '../lab/lab.ts'

const VIP = '10.10.1.100'
const FILE = '/etc/sysconfig/network-scripts/ifcfg-eth0:cp02s9zs4'

function memoryRecords(): GuestRecords & { all: Map<string, GuestRecord> } {
  const all = new Map<string, GuestRecord>()
  return {
    all,
    list: () => [...all.values()],
    put: record => void all.set(record.vip, record),
    remove: (_vm, _mac, vip) => void all.delete(vip),
  }
}

test('a real guest: VIP set, kept over a reboot, blocked, silent, taken out', async t => {
  const lab = await createLab({ hosts: 1, vms: 1 })
  t.teardown(() => lab.down())
  await lab.waitForVms()
  const [vm] = lab.vms
  if (vm === undefined) throw new Error('no VM')
  const socket = vm.host.path('/run/libvirt/libvirt-sock')

  const records = memoryRecords()
  const agent = createAgentCaller({ socket, clock: systemClock })
  let wake = () => {}
  let vips: readonly string[] = [VIP]
  let manager = createGuestManager({
    agentCall: agent.call,
    records,
    log: quiet,
    clock: systemClock,
    verifyMs: 2000,
    retryMs: 200,
    onChange: () => wake(),
  })
  const aim = () => {
    manager.set(inventory.snapshot().domains.map(domain => toTarget(domain, vips)))
    wake()
  }
  const inventory = watchInventory({ socket, log: quiet, clock: systemClock, onChange: aim })
  t.teardown(async () => {
    inventory.close()
    await manager.close()
    agent.close()
  })
  const domain = () => inventory.snapshot().domains[0]
  const status = () => manager.status(domain()?.uuid ?? '', vm.plan.mac)
  const until = async (what: string, holds: (vip: VipStatus | undefined) => boolean) => {
    const late = delay(60_000, 'late', { ref: false })
    while (!holds(status()?.vips.get(VIP))) {
      const changed = new Promise(resolve => {
        wake = () => resolve('changed')
      })
      if ((await Promise.race([changed, late])) === 'late')
        throw new Error(`${what}: ${JSON.stringify([...(status()?.vips ?? [])])}`)
    }
  }
  const addresses = async () => (await vm.exec('ip -4 -o address show dev eth0')).output
  const hasFile = async () => (await vm.exec(`cat ${FILE}`)).output

  await until('set', vip => vip?.state === 'set')
  t.deepEqual(status()?.vips.get(VIP), { state: 'set' })
  t.deepEqual(status()?.ownAddresses, [vm.plan.ip])
  t.regex(await addresses(), /inet 10\.10\.1\.100\/32/)
  t.regex(await hasFile(), /^# crossport 10\.10\.1\.100 .*DEVICE=eth0:cp02s9zs4/s)

  // The guest boots from its own file, without any help.
  vips = []
  await manager.close()
  await vm.reboot('guest')
  await vm.waitForBoot()
  t.regex(await addresses(), /inet 10\.10\.1\.100\/32 .*eth0:cp02s9zs4/)

  manager = createGuestManager({
    agentCall: agent.call,
    records,
    log: quiet,
    clock: systemClock,
    verifyMs: 1000,
    retryMs: 200,
    onChange: () => wake(),
  })
  vips = [VIP]
  aim()
  await until('set again', vip => vip?.state === 'set')
  t.deepEqual(status()?.ownAddresses, [vm.plan.ip], 'the labelled address is known as the VIP')

  await vm.exec('echo BLACKLIST_RPC=guest-exec,guest-file-open > /etc/sysconfig/qemu-ga; killall qemu-ga')
  await until('blocked', vip => vip?.code === 'GUEST_COMMANDS_BLOCKED')
  t.regex(status()?.vips.get(VIP)?.reason ?? '', /forbids guest-exec: .*BLACKLIST_RPC/)

  await vm.exec('echo BLACKLIST_RPC=guest-file-open > /etc/sysconfig/qemu-ga; killall qemu-ga')
  await until('allowed', vip => vip?.state === 'set' && vip.code === undefined)
  await vm.exec(`ip address del ${VIP}/32 dev eth0; rm ${FILE}`)
  while (!/10\.10\.1\.100/.test(await addresses())) await delay(100)
  t.regex(await hasFile(), /IPADDR=10\.10\.1\.100/, 'by guest-exec, for guest-file-open is blocked')

  await vm.exec('killall -STOP qemu-ga')
  await until('silent', vip => vip?.code === 'GUEST_AGENT_UNRESPONSIVE')
  t.is(status()?.vips.get(VIP)?.state, 'set', 'what was seen set still counts')
  await vm.exec('killall -CONT qemu-ga')
  await until('back', vip => vip?.state === 'set' && vip.code === undefined)

  vips = []
  aim()
  while (records.all.size > 0) await delay(100)
  t.notRegex(await addresses(), /10\.10\.1\.100/)
  t.is((await vm.exec(`test -e ${FILE}`)).exitCode, 1)
  t.regex(await addresses(), new RegExp(`inet ${vm.plan.ip.replaceAll('.', '\\.')}/`))
})

function toTarget({ uuid, name, runId, state, agentChannel, nics }: Domain, vips: readonly string[]) {
  const mac = nics[0]?.mac ?? ''
  return { vmUuid: uuid, vmName: name, runId, running: state === 'running', agentChannel, mac, vips }
}
