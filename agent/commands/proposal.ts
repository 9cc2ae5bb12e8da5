import { CrossportError } from '../../shared/errors.ts'

/** What Open vSwitch and libvirt have on this machine. */
export interface MachineFacts {
  readonly bridges: readonly { readonly name: string; readonly ports: readonly MachinePort[] }[]
  /** Those of libvirt's known sockets that are there, the default one first. */
  readonly libvirtSockets: readonly string[]
}

export interface MachinePort {
  readonly name: string
  /** Type `internal` or `patch`: leads to no network device. */
  readonly internal: boolean
  /** libvirt has plugged a VM in. */
  readonly vm: boolean
}

export interface Settings {
  readonly bridge: string
  readonly uplink: string
}

/**
 * Settings of the agent for this machine: the only bridge, or the only one with VMs; the only port that is neither a VM's nor
 * internal. `given` is not questioned, except that it must be there.
 *
 * @throws SETUP_UNCLEAR with what there is to choose from
 */
export function propose(facts: MachineFacts, given: Partial<Settings>): Settings & { readonly libvirtSocket?: string } {
  const withVms = facts.bridges.filter(({ ports }) => ports.some(port => port.vm))
  const bridges = withVms.length === 1 ? withVms : facts.bridges
  const bridge = only('bridge', given.bridge, bridges, facts.bridges, 'Open vSwitch')
  const outside = bridge.ports.filter(port => !port.internal && !port.vm)
  const uplink = only('uplink', given.uplink, outside, bridge.ports, `bridge ${bridge.name}`)
  const [first, ...others] = facts.libvirtSockets
  const modular = first?.endsWith('virtqemud-sock') && others.length === 0
  return { bridge: bridge.name, uplink: uplink.name, ...(modular ? { libvirtSocket: first! } : {}) }
}

function only<T extends { readonly name: string }>(
  what: keyof Settings,
  given: string | undefined,
  candidates: readonly T[],
  all: readonly T[],
  where: string,
): T {
  const found = given === undefined ? candidates : all.filter(({ name }) => name === given)
  if (found.length === 1) return found[0]!
  const names = (given === undefined ? candidates : all).map(({ name }) => name).join(', ') || 'none'
  const problem = given === undefined ? `which ${what}? In ${where} there ` : `${where} has no ${what} ${given}; there `
  throw new CrossportError(
    'SETUP_UNCLEAR',
    `${problem}${found.length === 0 && names === 'none' ? 'is' : 'are'} ${names}`,
  )
}
