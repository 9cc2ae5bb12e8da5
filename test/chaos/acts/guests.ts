import { matchesGlob } from 'node:path'
import type { LabVm } from '../../lab/vm.ts'
import type { Random } from '../../unit/simulation/random.ts'
import { webServers } from '../machine.ts'
import type { Act, Deed, Loss } from '../types.ts'
import { CHECKED_MS, type World } from '../world.ts'

// What becomes of VMs, their ports, and what runs in them.

const serving = (world: World, vm: string, checked?: boolean): string[] =>
  [...world.files.values()]
    .filter(({ realServers }) => realServers.some(server => matchesGlob(vm, server.vm)))
    .filter(({ check }) => checked === undefined || (check !== undefined) === checked)
    .map(({ service }) => service)

/** Libvirt or Open vSwitch tells that the VM is gone, and the director's switch changes. */
const gone = (world: World, vm: string): Loss => {
  return {
    services: serving(world, vm),
    atFirst: 2500,
    says: 'operations.md: a VM that dies is told by Open vSwitch or libvirt',
  }
}

function act(
  name: string,
  weight: number,
  choose: (vm: LabVm, world: World, random: Random) => Deed,
  among = /./,
): Act {
  return {
    name,
    lane: 'hosts',
    weight,
    choose: (world, random) => choose(random.pick(world.lab.vms.filter(({ name }) => among.test(name))), world, random),
  }
}

/** Nobody but a health check can know: a service without one goes on sending. */
const hangs = (
  name: string,
  vm: LabVm,
  world: World,
  words: string,
  stop: () => Promise<unknown>,
  go: () => Promise<unknown>,
): Deed => {
  const unchecked = serving(world, name, false)
  return {
    words: `${vm.host.name}: ${name}: ${words}`,
    do: stop,
    undo: go,
    lasts: [1000, 8000],
    loses:
      unchecked.length === 0
        ? {
            services: serving(world, name),
            atFirst: CHECKED_MS,
            says: 'health-checks.md: how long a dead real server gets connections',
          }
        : {
            services: serving(world, name),
            throughout: true,
            // What has come meanwhile is served first, and a client's SYN that found the backlog full comes again after 1 s, then 2.
            afterwards: 3000,
            says: 'health-checks.md: a service without check goes on',
          },
  }
}

const virsh = (vm: LabVm, command: string) => vm.host.exec(['virsh', '-q', '-c', 'qemu:///system', command, vm.name])
const DOMAINS = /-1$/
const everyWebServer = (vm: LabVm, signal: string) => vm.exec(webServers(signal))
const qemu = (vm: LabVm, signal: string) =>
  vm.host.exec(['sh', '-c', `kill -${signal} $(cat /run/libvirt/qemu/${vm.name}.pid)`])

export const GUEST_ACTS: readonly Act[] = [
  act('a VM loses its power, and is started', 2, (vm, world) => ({
    words: `${vm.host.name}: virsh destroy ${vm.name}   # later: virsh start ${vm.name}`,
    do: () => vm.destroy(),
    undo: async () => {
      await vm.start()
      await vm.waitForBoot()
    },
    lasts: [500, 5000],
    loses: gone(world, vm.name),
  })),
  act(
    'a VM is paused',
    2,
    (vm, world) => ({
      words: `${vm.host.name}# virsh suspend ${vm.name}   # later: virsh resume ${vm.name}`,
      do: () => virsh(vm, 'suspend'),
      undo: () => virsh(vm, 'resume'),
      lasts: [1000, 6000],
      loses: gone(world, vm.name),
      tells: { by: vm.host.name, words: /paused/ },
    }),
    DOMAINS,
  ),
  act(
    'QEMU is frozen',
    2,
    (vm, world) =>
      hangs(
        vm.name,
        vm,
        world,
        'kill -STOP its QEMU   # later: -CONT',
        () => qemu(vm, 'STOP'),
        () => qemu(vm, 'CONT'),
      ),
    DOMAINS,
  ),
  act('the application hangs', 2, (vm, world) =>
    hangs(
      vm.name,
      vm,
      world,
      'kill -STOP its httpds   # later: -CONT',
      () => everyWebServer(vm, 'STOP'),
      () => everyWebServer(vm, 'CONT'),
    ),
  ),
  act('the guest agent is frozen', 2, vm => {
    // A space's guest agent is beside its shell, a domain's in the guest: the same command reaches both.
    const signal = (name: string) =>
      vm.exec(`for p in /proc/[0-9]*; do if grep -q 'qemu-g[a]' $p/cmdline; then kill -${name} \${p#/proc/}; fi; done`)
    return {
      words: `${vm.host.name}: ${vm.name}: killall -STOP qemu-ga   # later: -CONT`,
      do: () => signal('STOP'),
      undo: () => signal('CONT'),
      lasts: [1000, 8000],
    }
  }),
  act(
    'somebody deletes the VIP in a guest',
    2,
    (vm, world) => {
      const web = [...world.files.values()].find(({ service }) => service === 'web')
      const vip = web?.vip ?? '10.10.1.100'
      return {
        words: `${vm.name}# ip address del ${vip}/32 dev eth0`,
        do: () => vm.exec(`ip address del ${vip}/32 dev eth0`),
        loses: {
          services: ['web'],
          atFirst: CHECKED_MS,
          says: 'health-checks.md: a VIP that was deleted is set again',
        },
      }
    },
    /^web/,
  ),
  act("a VM's port goes down", 2, (vm, world) => {
    const set = async (state: string) => vm.host.exec(['ip', 'link', 'set', await vm.port(), state])
    return {
      words: `${vm.host.name}# ip link set PORT-OF-${vm.name} down   # later: up`,
      do: () => set('down'),
      undo: () => set('up'),
      lasts: [500, 5000],
      loses: gone(world, vm.name),
    }
  }),
  act("a VM's port gets a wrong VLAN", 1, (vm, world) => {
    const vsctl = async (...args: string[]) =>
      vm.host.exec(['ovs-vsctl', args[0]!, 'port', await vm.port(), ...args.slice(1)])
    return {
      words: `${vm.host.name}# ovs-vsctl set port PORT-OF-${vm.name} tag=77   # later: clear`,
      do: () => vsctl('set', 'tag=77'),
      undo: () => vsctl('clear', 'tag'),
      lasts: [500, 4000],
      loses: {
        services: serving(world, vm.name),
        throughout: true,
        afterwards: 2000,
        says: 'a VM in another VLAN is on another network',
      },
    }
  }),
  act("a VM's port gets another number", 1, (vm, world, random) => {
    const other = `ofport_request=${100 + random.below(900)}`
    return {
      words: `${vm.host.name}# ovs-vsctl set interface PORT-OF-${vm.name} ${other}`,
      do: async () => vm.host.exec(['ovs-vsctl', 'set', 'interface', await vm.port(), other]),
      loses: {
        services: serving(world, vm.name),
        atFirst: 2500,
        says: 'the switch takes the port out and puts it in again',
      },
    }
  }),
]
