import { messageOf } from '../../shared/errors.ts'
import type { RealServer, RealServerProblem, Resolution } from '../real-servers/types.ts'
import type { Store } from '../store/store.ts'
import type { Allocation } from '../store/types.ts'

/** The real servers that the rest of the pass may use: those whose numbers are in the state file. */
export interface Claimed {
  readonly realServers: readonly RealServer[]
  readonly come: readonly RealServer[]
  /** Problems of the real servers that wait. */
  readonly problems: readonly RealServerProblem[]
  /** The store's error, if it could not write. */
  readonly failure: { readonly error: unknown } | undefined
}

export type Resolved = Pick<Resolution, 'realServers'> & {
  readonly gone: readonly RealServer[]
  readonly come: readonly RealServer[]
}

/**
 * A number is kept before it is used: a host that comes back with others would take one real server for another. While
 * nothing can be written, real servers that need a new number wait, and all others go on.
 */
export interface Numbers {
  /** `whole`: rows of real servers that are not there are removed, too. Never throws. */
  claim(resolved: Resolved, whole: boolean): Claimed
  /** Removes the rows of real servers that are gone. A removal does not wait for this. Throws as the store does. */
  save(): void
}

export function createNumbers(store: Pick<Store, 'allocations' | 'changeAllocations'>): Numbers {
  const kept = new Map(store.allocations().map(allocation => [allocation.key, allocation]))
  const gone = new Set<string>()
  const waiting = new Map<string, RealServer>()

  const note = (resolved: Resolved, whole: boolean) => {
    for (const { key } of resolved.gone) {
      waiting.delete(key)
      if (kept.has(key)) gone.add(key)
    }
    if (whole) {
      const present = new Set(resolved.realServers.map(({ key }) => key))
      for (const key of kept.keys()) if (!present.has(key)) gone.add(key)
    }
    for (const realServer of resolved.come) {
      gone.delete(realServer.key)
      if (!isKept(realServer, kept.get(realServer.key))) waiting.set(realServer.key, realServer)
    }
  }

  const write = (claimed: readonly RealServer[]) => {
    store.changeAllocations([...gone], claimed)
    for (const key of gone) kept.delete(key)
    for (const realServer of claimed) kept.set(realServer.key, realServer)
    gone.clear()
  }

  return {
    claim: (resolved, whole) => {
      note(resolved, whole)
      const { realServers } = resolved
      if (waiting.size === 0) return { realServers, come: resolved.come, problems: [], failure: undefined }
      const come = new Map([...waiting, ...resolved.come.map(one => [one.key, one] as const)])
      try {
        write([...waiting.values()])
        waiting.clear()
        return { realServers, come: [...come.values()], problems: [], failure: undefined }
      } catch (error) {
        const usable = ({ key }: RealServer) => !waiting.has(key)
        return {
          realServers: realServers.filter(usable),
          come: resolved.come.filter(usable),
          problems: [...waiting.values()].map(realServer => withoutNumber(realServer, error)),
          failure: { error },
        }
      }
    },
    save: () => {
      if (gone.size > 0) write([])
    },
  }
}

function isKept({ id, vip, protocol, ingressPort }: RealServer, kept: Allocation | undefined): boolean {
  return kept?.id === id && kept.vip === vip && kept.protocol === protocol && kept.ingressPort === ingressPort
}

function withoutNumber({ key, service, vm }: RealServer, error: unknown): RealServerProblem {
  const why = messageOf(error)
  const message = `${service} on VM ${vm.name} waits, because its number cannot be written down: ${why}`
  return { severity: 'error', code: 'STORE_FAILED', subject: key, message }
}
