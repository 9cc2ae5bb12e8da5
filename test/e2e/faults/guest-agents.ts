import test from 'ava'
import { load } from './load.ts'
import { type FaultSite, SECOND, second } from './site.ts'

/** In a guest: restarts qemu-ga with other settings; init starts it again. */
const settings = (line: string) => `echo '${line}' >/etc/sysconfig/qemu-ga; killall qemu-ga`
/** In a guest: finds a channel that was plugged in after the boot, and starts qemu-ga on it. */
const LOOK_FOR_CHANNEL = `for port in /sys/class/virtio-ports/*; do ln -sf ../\${port##*/} /dev/virtio-ports/$(cat $port/name); done
  test -e /dev/virtio-ports/org.qemu.guest_agent.0 && kill $(pidof sleep)`
const CHANNEL = `<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`

/** Faults of guest agents (missing, stopped, blocked, frozen), on a site with VMs web-1 to web-4, one without a channel. */
export function guestAgentTests(faults: FaultSite): void {
  const { host, virsh, calmAgain } = faults
  const inGuest = (vm: string, command: string) => faults.lab.vm(vm).exec(command)
  /** Milliseconds until `count` real servers of `second` are ready. */
  const dropped = async (vm: string, count: number) => {
    const begin = performance.now()
    await faults.site.drop(SECOND, second(vm))
    await faults.site.ready('second', count)
    return performance.now() - begin
  }

  test.serial('three frozen guest agents delay nobody else, are told by name, and heal by themselves', async t => {
    const clients = await load(t, faults.lab)
    const alone = await dropped('web-1', 1)
    await faults.withoutSecond(t)
    const frozen = ['web-2', 'web-3', 'web-4']
    for (const vm of frozen) await inGuest(vm, 'kill -STOP $(pidof qemu-ga)')
    const beside = await dropped('web-*', 1)
    t.log(`the fourth VM is served after ${beside.toFixed(0)} ms, ${alone.toFixed(0)} ms where none is frozen`)
    for (const vm of frozen) t.truthy(await faults.told(`second/${vm}`, /guest agent is not responding/i))
    for (const vm of frozen) await inGuest(vm, 'kill -CONT $(pidof qemu-ga)')
    await faults.site.ready('second', 4)
    await faults.withoutSecond(t)
    await calmAgain()
    const seen = await clients.stop()
    t.is(seen.lost, 0)
    t.is(seen.by.size, 4)
  })

  test.serial(
    'a guest agent that begins to block commands: its VM goes on serving, and the operator is told',
    async t => {
      const clients = await load(t, faults.lab)
      await dropped('web-*', 4)
      await inGuest('web-1', settings('ENABLED=no'))
      await faults.told('second/web-1', /guest agent of VM web-1 is not running/)
      const forbid = settings('BLACKLIST_RPC=guest-exec,guest-network-get-interfaces')
      await inGuest('web-1', `${forbid}; kill $(pidof sleep)`)
      t.log(await faults.told('second/web-1', /forbids guest-network-get-interfaces, guest-exec/))
      const served = (await faults.agent().until('any', () => true)).services.flatMap(({ realServers }) =>
        realServers.map(({ state }) => state),
      )
      t.deepEqual(new Set(served), new Set(['ready']), 'of both services')
      await inGuest('web-1', settings(''))
      await faults.withoutSecond(t)
      await calmAgain()
      const seen = await clients.stop()
      t.is(seen.lost, 0)
      t.is(seen.by.size, 4, 'each has gone on')
    },
  )

  test.serial(
    'a guest agent that is absent, stopped, blocked or frozen: each has its own words, and heals',
    async t => {
      const clients = await load(t, faults.lab)
      await inGuest('web-2', settings('ENABLED=no'))
      await inGuest('web-3', settings('BLACKLIST_RPC=guest-exec,guest-file-open'))
      await inGuest('web-4', 'kill -STOP $(pidof qemu-ga)')
      await dropped('*', 1)
      const cases: readonly [vm: string, words: RegExp][] = [
        ['bare', /has no guest agent channel/],
        ['web-2', /guest agent of VM web-2 is not running/],
        ['web-3', /forbids guest-exec/],
        ['web-4', /guest agent is not responding/i],
      ]
      for (const [vm, words] of cases) {
        t.log(`${vm}: ${await faults.told(`second/${vm}`, words)}`)
        t.regex(
          (await faults.journal())
            .split('\n')
            .filter(line => line.includes(`vm=${vm}`))
            .join('\n'),
          words,
        )
      }
      await host().writeFile('/run/channel.xml', CHANNEL)
      await virsh('attach-device', 'bare', '/run/channel.xml')
      await inGuest(
        'bare',
        `i=0; until { ${LOOK_FOR_CHANNEL}; } 2>/dev/null || [ $i -gt 50 ]; do i=$((i+1)); usleep 100000; done`,
      )
      for (const vm of ['web-2', 'web-3']) await inGuest(vm, `${settings('')}; kill $(pidof sleep)`)
      await inGuest('web-4', 'kill -CONT $(pidof qemu-ga)')
      await faults.site.ready('second', 5)
      await faults.withoutSecond(t)
      await calmAgain()
      const seen = await clients.stop()
      t.is(seen.lost, 0)
      t.is(seen.by.size, 4)
    },
  )
}
