import { KILL, START } from '../machine.ts'
import type { Act, Deed } from '../types.ts'
import { LEASE_MS, type World } from '../world.ts'

// What becomes of the daemons, libvirtd, disks, addresses and uplinks.

const HOSTS = ['rs1', 'rs2']

/** No request is lost by it: no daemon stands in a packet's way. */
const daemon = (place: string, how: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP', world: World): Deed => {
  const found = world.daemons.get(place)!
  const frozen = how === 'SIGSTOP'
  return {
    words: `${place}: kill -${how} the ${place === 'director' ? 'director' : 'agent'}   # later: ${frozen ? '-SIGCONT' : 'start it again'}`,
    do: async () => (frozen ? found.process.kill('SIGSTOP') : found.kill(how)),
    undo: async () => (frozen ? found.process.kill('SIGCONT') : found.start()),
    lasts: [200, 9000],
    deafens: true,
  }
}

/** Behind the uplink of a host. Its lease ends, and the others go on; of the director's everybody depends on. */
const uplink = (place: string, world: World): Deed => {
  const says = 'operations.md: an agent away for longer than its lease gets no new connections'
  return {
    words: `${place}# ip link set uplink0 down   # later: up`,
    do: () => world.sh(place, 'ip link set uplink0 down'),
    undo: () => world.sh(place, 'ip link set uplink0 up'),
    lasts: [200, 9000],
    deafens: true,
    loses:
      place === 'director'
        ? { services: 'all', throughout: true, afterwards: 5000, says }
        : { services: 'all', atFirst: LEASE_MS + 3000, afterwards: 1000, says },
  }
}

const address = (place: string, world: World): Deed => {
  const { ip } = world.lab.plan.hosts.find(({ name }) => name === place)!
  const other = ip.replace(/\d+$/, n => String(Number(n) + 50))
  const change = (from: string, to: string) =>
    world.sh(place, `ip address del ${from}/24 dev br0; ip address add ${to}/24 dev br0`)
  return {
    words: `${place}# ip address del ${ip}/24 dev br0; ip address add ${other}/24 dev br0   # later: the other way round`,
    do: () => change(ip, other),
    undo: () => change(other, ip),
    deafens: true,
    // The director's for less than a lease: all hosts at once would be away.
    lasts: place === 'director' ? [200, LEASE_MS - 2500] : [200, 9000],
  }
}

const fullDisk = (place: string, world: World): Deed => {
  const resize = (size: string) => `mount -o remount,size=${size} /var/lib/crossport`
  const used = '$(df -k --output=used /var/lib/crossport | tail -1 | tr -d " ")k'
  // The daemon may write between the two.
  const fill = `until ${resize(used)} 2>/dev/null; do sleep 0.05; done`
  return {
    words: `${place}# ${fill}   # later: ${resize('100m')}`,
    do: () => world.sh(place, fill),
    undo: () => world.sh(place, resize('100m')),
    lasts: [500, 8000],
  }
}

const otherMac = (place: string, world: World): Deed => {
  const { mac } = world.lab.plan.hosts.find(({ name }) => name === place)!
  const other = mac.replace(/^02:00/, '02:ee')
  const set = (to: string) => `ovs-vsctl set bridge br0 other-config:hwaddr='"${to}"'`
  return {
    words: `${place}# ${set(other)}   # later: ${set(mac)}`,
    do: () => world.sh(place, set(other)),
    undo: () => world.sh(place, set(mac)),
    lasts: [2000, 9000],
    loses: { services: 'all', atFirst: 2000, afterwards: 2000, says: 'operations.md: who a host is' },
  }
}

const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGSTOP'] as const

export const DAEMON_ACTS: readonly Act[] = [
  {
    name: 'an agent is away',
    lane: 'hosts',
    weight: 6,
    choose: (world, random) => daemon(random.pick(HOSTS), random.pick(SIGNALS), world),
  },
  {
    name: 'the director is away',
    lane: 'director',
    weight: 6,
    choose: (world, random) => daemon('director', random.pick(SIGNALS), world),
  },
  {
    name: 'libvirtd is killed',
    lane: 'hosts',
    weight: 2,
    choose: world => ({
      words: 'rs1# kill -9 libvirtd   # later: libvirtd -d',
      do: () => world.sh('rs1', KILL.libvirtd),
      undo: () => world.sh('rs1', START.libvirtd),
      lasts: [500, 8000],
      tells: { by: 'rs1', words: /LIBVIRT_/ },
    }),
  },
  {
    name: "a host's uplink goes down",
    lane: 'hosts',
    weight: 2,
    choose: (world, random) => uplink(random.pick(HOSTS), world),
  },
  { name: "the director's uplink goes down", lane: 'director', weight: 1, choose: world => uplink('director', world) },
  {
    name: "a host's address changes",
    lane: 'hosts',
    weight: 2,
    choose: (world, random) => address(random.pick(HOSTS), world),
  },
  { name: "the director's address changes", lane: 'director', weight: 1, choose: world => address('director', world) },
  {
    name: "a host's bridge gets another MAC",
    lane: 'hosts',
    weight: 2,
    choose: (world, random) => otherMac(random.pick(HOSTS), world),
  },
  {
    name: "the director's bridge gets another MAC",
    lane: 'director',
    weight: 1,
    choose: world => otherMac('director', world),
  },
  {
    name: 'the disk of a host is full',
    lane: 'hosts',
    weight: 2,
    choose: (world, random) => fullDisk(random.pick(HOSTS), world),
  },
  {
    name: "the director's disk is full",
    lane: 'director',
    weight: 2,
    choose: world => fullDisk('director', world),
  },
]
