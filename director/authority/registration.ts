import type { ErrorCode } from '../../shared/errors.ts'

/** Who an agent says that its host is. */
export interface Claim {
  readonly hostId: string
  /** Lower case. */
  readonly hostMac: string
  /** Empty: none. */
  readonly hostIp: string
}

/** Who is at the other end of a stream. */
export interface Peer {
  /** The host that its certificate names; undefined: the connection is in the clear. */
  readonly name: string | undefined
  /** Of its certificate, in hexadecimal; undefined: as the name. */
  readonly serial?: string | undefined
  /** Where the stream comes from, without the port; of a socket in the file system `unix:` and its path. */
  readonly address: string
}

/** A host of the registry. */
export interface KnownHost extends Claim {
  /** Order in which hosts became known. */
  readonly seq: number
  readonly state: 'alive' | 'lost'
}

/** What is taken already. */
export interface Taken {
  readonly hosts: ReadonlyMap<string, KnownHost>
  /** The host's agent holds a stream now. */
  connected(hostId: string): boolean
  readonly director: {
    /** D and R, and the hardware addresses of its own bridge. */
    readonly macs: readonly string[]
    /** Of these, those that an agent on the director's own bridge has. */
    readonly bridgeMacs: readonly string[]
    /** Of the machine that the director runs on. */
    readonly addresses: ReadonlySet<string>
  }
  /** VIPs that the director answers for by its own files. */
  readonly vips: ReadonlySet<string>
}

export interface Refusal {
  readonly code: ErrorCode
  /** Who, what, and how to mend it. */
  readonly reason: string
}

/**
 * Whether a host may register as it says. What belongs to another host that was there first is that host's as long as its
 * lease runs, unless it is away and its own machine comes under another name. Pure.
 *
 * @returns undefined: it may
 */
export function registrationRefusal(claim: Claim, peer: Peer, taken: Taken): Refusal | undefined {
  const { hostId, hostMac, hostIp } = claim
  const refuse = (code: ErrorCode, what: string): Refusal => {
    return { code, reason: `the agent at ${peer.address} registers as host "${hostId}" ${what}` }
  }
  const { director } = taken
  const beside = isBeside(peer, director.addresses)
  if (director.macs.includes(hostMac) && !(beside && director.bridgeMacs.includes(hostMac)))
    return refuse('HOST_ADDRESS_TAKEN', `with the director's own hardware address ${hostMac}: ${SET_MAC}`)
  const macOwner = ownerOf(claim, peer, taken, ({ hostMac: mac }) => mac === hostMac)
  if (macOwner !== undefined)
    return refuse('HOST_ADDRESS_TAKEN', `with the host MAC ${hostMac} of host "${macOwner}": ${SET_MAC}`)
  // Nobody is sent to these: a host without an address yet, and one that the director is beside of.
  if (hostIp === '' || hostIp.startsWith('127.')) return undefined
  if (director.addresses.has(hostIp) && !beside)
    return refuse('HOST_ADDRESS_TAKEN', `with the director's own address ${hostIp}: ${SET_IP}`)
  if (taken.vips.has(hostIp))
    return refuse(
      'HOST_ADDRESS_TAKEN',
      `with the address ${hostIp}, which is a VIP of the director's service files: ${SET_IP}`,
    )
  const ipOwner = ownerOf(claim, peer, taken, ({ hostIp: ip }) => ip === hostIp)
  if (ipOwner === undefined) return undefined
  return refuse('HOST_ADDRESS_TAKEN', `with the host IP ${hostIp} of host "${ipOwner}": ${SET_IP}`)
}

const SET_MAC = 'give it a hostMac of its own in agent.yaml (default: the hardware address of its bridge)'
const SET_IP = 'give it a hostIp of its own in agent.yaml'

/** The other host that was first to have what `has` looks for. */
function ownerOf(
  { hostId }: Claim,
  { address }: Peer,
  { hosts, connected }: Taken,
  has: (host: KnownHost) => boolean,
): string | undefined {
  const known = hosts.get(hostId)
  const own = known !== undefined && has(known) ? known.seq : Number.POSITIVE_INFINITY
  for (const host of hosts.values()) {
    if (host.hostId === hostId || host.state === 'lost' || host.seq >= own || !has(host)) continue
    if (host.hostIp !== address || connected(host.hostId)) return host.hostId
  }
  return undefined
}

/** Nobody but the director's own machine speaks from its addresses, or over a socket of its file system. */
function isBeside({ address }: Peer, addresses: ReadonlySet<string>): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/^::ffff:/, '')
  return bare.startsWith('unix:') || addresses.has(bare) || LOOPBACK.test(bare)
}

const LOOPBACK = /^(127\.|::1$)/
