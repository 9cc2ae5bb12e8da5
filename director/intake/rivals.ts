import type { Clock } from '../../shared/run/clock.ts'
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

/** Two agents with one host id: who was refused, and why. */
export interface Rival {
  readonly hostId: string
  /** Names the addresses of both. */
  readonly reason: string
}

/** An agent that is refused dials again every 5 s; one that has not for so long is gone. */
const GONE_MS = 30_000

/**
 * The same machine takes its own place at once: its stream may have broken without a word, and it may come from another
 * address than before. So does the same run of an agent, whose machine may have another hardware address by now. From any other the host is safe as long as it is heard, which its heartbeats see to every third of a
 * lease. A hardware address alone may be that of a copy.
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

/** `peer`: address and port that it dials from. */
export function speakerOf(
  { hostId, hostMac }: HostReport,
  { bootId, runId }: Pick<Speaker, 'bootId' | 'runId'>,
  peer: string,
): Speaker {
  return { hostId, hostMac, from: peer.replace(/:\d+$/, ''), bootId, runId }
}

/** Keeps who has been refused, for status. */
export function createRivals(clock: Clock, changed: () => void) {
  const known = new Map<string, { readonly rival: Rival; readonly cancel: () => void }>()
  const forget = (reason: string) => {
    known.get(reason)?.cancel()
    if (known.delete(reason)) changed()
  }
  return {
    /** Returns whether that is news. */
    refused: (rival: Rival): boolean => {
      const before = known.get(rival.reason)
      before?.cancel()
      known.set(rival.reason, { rival, cancel: clock.after(GONE_MS, () => forget(rival.reason)) })
      if (before === undefined) changed()
      return before === undefined
    },
    /** The host id has been given to somebody. */
    settled: (hostId: string) => {
      for (const { rival } of known.values()) if (rival.hostId === hostId) forget(rival.reason)
    },
    list: (): readonly Rival[] => [...known.values()].map(({ rival }) => rival),
    close: () => {
      for (const { cancel } of known.values()) cancel()
    },
  }
}
