import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import type { Inventory } from '../../../agent/inventory/types.ts'
import { watchInventory } from '../../../agent/inventory/watch.ts'
import { createAgentCaller } from '../../../shared/libvirt/agent.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startLibvirtd } from '../libvirt/libvirtd.ts'

const UUID = '6b2b8c5e-3a3f-4c55-9d55-000000000001'
const DOMAIN = `<domain type='qemu'><name>web-1</name><uuid>${UUID}</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
<interface type='ethernet'><mac address='52:54:00:AA:00:01'/><model type='virtio'/></interface>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>`
const NIC = "<interface type='ethernet'><mac address='52:54:00:aa:00:02'/><model type='virtio'/></interface>"

/** Waits for a snapshot. */
function watcher(socket: string) {
  let wanted: (() => void) | undefined
  const watch = watchInventory({
    socket,
    log: quiet,
    clock: systemClock,
    onChange: () => wanted?.(),
  })
  const until = async (what: string, holds: (inventory: Inventory) => boolean) => {
    const changed = new Promise<void>(resolve => {
      wanted = () => {
        if (holds(watch.snapshot())) resolve()
      }
    })
    wanted?.()
    const late = delay(20_000, 'late', { ref: false })
    if ((await Promise.race([changed, late])) === 'late')
      throw new Error(`${what}: ${JSON.stringify(watch.snapshot(), null, 1)}`)
    return watch.snapshot()
  }
  return { ...watch, until }
}

test('follows a real libvirtd: define, start, NIC plugged, stop, rename, undefine, restart of the daemon', async t => {
  const libvirtd = await startLibvirtd()
  const inventory = watcher(libvirtd.socket)
  const agent = createAgentCaller({ socket: libvirtd.socket, clock: systemClock })
  const write = (name: string, text: string) => libvirtd.sh(`cat > /run/${name} <<'END'\n${text}\nEND`)
  const only = ({ domains }: Inventory) => domains[0]
  try {
    t.deepEqual((await inventory.until('first listing', i => i.synced)).domains, [])
    await write('domain.xml', DOMAIN)
    await write('nic.xml', NIC)

    await libvirtd.sh('virsh define /run/domain.xml')
    const mac = '52:54:00:aa:00:01'
    const nics = [{ mac, source: undefined, target: undefined, interfaceId: undefined }]
    const off = { uuid: UUID, name: 'web-1', state: 'shutoff', nics, agentChannel: 'disconnected', runId: undefined }
    t.deepEqual(only(await inventory.until('define', i => i.domains.length === 1)), off as never)
    await t.throwsAsync(agent.call(UUID, '{"execute":"guest-ping"}', 2), { code: 'GUEST_NOT_RUNNING' })

    await libvirtd.sh('virsh start --paused web-1')
    const paused = only(await inventory.until('start', i => only(i)?.state === 'paused'))
    t.is(paused?.runId, 1)
    t.is(paused?.nics[0]?.target, 'vnet0')
    await libvirtd.sh('virsh resume web-1')
    await inventory.until('resume', i => only(i)?.state === 'running')
    await t.throwsAsync(agent.call(UUID, '{"execute":"guest-ping"}', 2), { code: 'GUEST_AGENT_NOT_CONNECTED' })

    await libvirtd.sh('virsh attach-device web-1 /run/nic.xml --live')
    const plugged = only(await inventory.until('plug', i => only(i)?.nics.length === 2))
    t.is(plugged?.nics[1]?.mac, '52:54:00:aa:00:02')

    await libvirtd.daemon('stop')
    const lost = await inventory.until('daemon away', i => !i.synced)
    t.is(lost.domains.length, 1, 'what was known stays')
    t.truthy(lost.reason)
    await libvirtd.daemon('start')
    await inventory.until('daemon back', i => i.synced && only(i)?.state === 'running')

    await libvirtd.sh('virsh destroy web-1')
    const stopped = only(await inventory.until('stop', i => only(i)?.state === 'shutoff'))
    t.deepEqual(stopped, off as never)
    await libvirtd.sh('virsh domrename web-1 web-2')
    await inventory.until('rename', i => only(i)?.name === 'web-2')
    await libvirtd.sh('virsh undefine web-2')
    await inventory.until('undefine', i => i.domains.length === 0)
    await t.throwsAsync(agent.call(UUID, '{"execute":"guest-ping"}', 2), { code: 'GUEST_NOT_RUNNING' })
  } finally {
    inventory.close()
    agent.close()
    await libvirtd.stop()
  }
})
