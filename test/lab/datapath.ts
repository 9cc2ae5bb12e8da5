/** Which datapath of Open vSwitch the labs' bridges have: the userspace one, or (in scripts/machine) the kernel's. */
export const DATAPATH = process.env.CROSSPORT_DATAPATH === 'system' ? 'system' : 'netdev'

/** The kernel's datapath gets packets as the kernel has them; a userspace one forwards what it gets: checksums must be in the packets. */
export const OFFLOADS = DATAPATH === 'system'

/** How long to wait at most for what must come: the test machine is some ten times slower. */
export const patience = (ms: number): number => (DATAPATH === 'system' ? 5 * ms : ms)
