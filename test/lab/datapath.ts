/** The labs' datapath of Open vSwitch: the userspace one, or (in scripts/machine) the kernel's. */
export const DATAPATH = process.env.CROSSPORT_DATAPATH === 'system' ? 'system' : 'netdev'

/** A userspace datapath forwards packets unchanged, so their checksums must be complete; the kernel's completes them. */
export const OFFLOADS = DATAPATH === 'system'

/** Factor for timeouts: the test machine is some ten times slower. */
export const patience = (ms: number): number => (DATAPATH === 'system' ? 5 * ms : ms)
