import { addressBack, KILL, START } from '../machine.ts'
import type { Act, Deed, Loss } from '../types.ts'
import type { World } from '../world.ts'

// What becomes of Open vSwitch and the links, on hosts and on the director's machine.

/**
 * The userspace datapath goes with its process, and waits while that waits for its database: ovs-vswitchd tries that
 * again after 1, 2, 4 and 8 s. With fail_mode standalone a client may have learnt a VM's address meanwhile.
 */
const AWAY: Loss = {
  services: 'all',
  throughout: true,
  afterwards: 4000,
  says: 'datapaths.md: ovs-vswitchd or ovsdb-server is away: nothing is forwarded; operations.md: fail_mode',
}
/** ovs-vswitchd that has missed its database for 2.5 s at most tries again 4 s later at most. */
const WAITS: Loss = { ...AWAY, afterwards: 8000 }
const REPAIRED: Loss = { services: 'all', atFirst: 2000, says: 'operations.md: our flows are repaired at once' }

const ofSwitch = (place: string, world: World): Record<'vswitchd' | 'ovsdb' | 'both' | 'flows', Deed> => {
  const sh = (script: string) => world.sh(place, script)
  const told = place === 'director' ? 'director' : place
  return {
    vswitchd: {
      words: `${place}# kill -9 ovs-vswitchd   # later: start it again`,
      do: () => sh(KILL.vswitchd),
      undo: async () => sh(`${START.vswitchd}; ${addressBack(world.lab, place)}`),
      lasts: [0, 4000],
      loses: AWAY,
      tells: { by: told, words: /SWITCH_|OVSDB_|switch/ },
    },
    ovsdb: {
      words: `${place}# kill -9 ovsdb-server   # later: start it again`,
      do: () => sh(KILL.ovsdb),
      undo: () => sh(START.ovsdb),
      lasts: [0, 2500],
      loses: WAITS,
      tells: { by: told, words: /OVSDB_/ },
    },
    both: {
      words: `${place}# kill -9 ovsdb-server ovs-vswitchd   # later: start both again`,
      do: () => sh(`${KILL.ovsdb}; ${KILL.vswitchd}`),
      undo: async () => sh(`${START.ovsdb}; ${START.vswitchd}; ${addressBack(world.lab, place)}`),
      lasts: [0, 4000],
      loses: AWAY,
      tells: { by: told, words: /SWITCH_|OVSDB_/ },
    },
    flows: {
      words: `${place}# ovs-ofctl -O OpenFlow15 del-flows br0; ovs-ofctl add-flow br0 priority=0,actions=NORMAL`,
      do: () =>
        sh('ovs-ofctl -O OpenFlow15 del-flows br0; ovs-ofctl -O OpenFlow15 add-flow br0 priority=0,actions=NORMAL'),
      loses: REPAIRED,
    },
  }
}

const HOSTS = ['rs1', 'rs2']

export const SWITCH_ACTS: readonly Act[] = (
  [
    ['vswitchd', 'ovs-vswitchd is killed', 3],
    ['ovsdb', 'ovsdb-server is killed', 2],
    ['both', 'ovsdb-server and ovs-vswitchd are killed', 1],
    ['flows', 'a stranger deletes all flows', 2],
  ] as const
).flatMap(([kind, name, weight]): Act[] => [
  {
    name: `${name} on a host`,
    lane: 'hosts',
    weight,
    choose: (world, random) => ofSwitch(random.pick(HOSTS), world)[kind],
  },
  {
    name: `${name} on the director`,
    lane: 'director',
    weight: weight / 2,
    choose: world => ofSwitch('director', world)[kind],
  },
])
