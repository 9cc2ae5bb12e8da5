import type { Peer } from '../authority/registration.ts'
import type { HostReport } from './types.ts'

/** An agent as its stream shows it. */
export interface Speaker {
  readonly hostId: string
  readonly hostMac: string
  /** Where its stream comes from, without the port. */
  readonly from: string
  /** Of its machine; empty: not told. */
  readonly bootId: string
  /** Of this run of it; empty: not told. */
  readonly runId: string
}

/**
 * Who takes the place of an agent that is connected:
 * 1. The same run of the agent does at once, whatever addresses its machine has by now.
 * 2. The same machine does at once, as its stream may have broken without a word. Its hardware address and its boot id, or its
 *    hardware address and the address that it dials from, say that it is the same. A copy of a machine has one of them alone.
 * 3. Anybody does when nothing was heard of the agent for a lease. Its heartbeats come every third of a lease.
 * 4. Nobody else does.
 *
 * @param silentMs - how long nothing was heard of `there`
 * @returns why the newcomer cannot have the host id that `there` has; undefined: it can
 */
export function refusal(there: Speaker, newcomer: Speaker, silentMs: number, leaseMs: number): string | undefined {
  if (there.runId !== '' && there.runId === newcomer.runId) return undefined
  const sameBoot = there.bootId !== '' && there.bootId === newcomer.bootId
  if (there.hostMac === newcomer.hostMac && (sameBoot || there.from === newcomer.from)) return undefined
  if (silentMs >= leaseMs) return undefined
  return (
    `host id "${there.hostId}" is in use by the agent at ${there.from} (host MAC ${there.hostMac}), which is connected; ` +
    `the agent at ${newcomer.from} (host MAC ${newcomer.hostMac}) is refused: give one of them another hostId`
  )
}

export function speakerOf(
  { hostId, hostMac }: HostReport,
  { bootId, runId }: Pick<Speaker, 'bootId' | 'runId'>,
  { address }: Peer,
): Speaker {
  return { hostId, hostMac, from: address, bootId, runId }
}

/**
 * Where a peer dials from, without the port. gRPC does not know it of a socket in the file system.
 *
 * @param peer - as gRPC names it: address and port
 * @param listen - where it has dialled
 */
export const addressOf = (peer: string, listen: string): string =>
  listen.startsWith('unix:') ? listen : peer.replace(/:\d+$/, '')
