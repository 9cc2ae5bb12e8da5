import type { HostServiceAuthority } from '../authority/host-services.ts'
import { allowedMembers, type Claimants, inOrderOfHosting } from './services.ts'
import type { RealServer } from './types.ts'

/** A service that no file names, with the real servers of hosts that may bring it. */
interface Hosted<Group> {
  readonly group: Group
  readonly members: readonly RealServer[]
}

export interface HostingUpdate<Group> {
  /** Groups that may differ from the last update, and whether each is a stray now: no file names its service or its address. */
  readonly moved: ReadonlyMap<Group, boolean>
  readonly authority: HostServiceAuthority
  /** Other groups that want the same name or the same key. */
  rivals(group: Group): Iterable<Group>
}

/**
 * The services that hosts alone define, of groups of real servers. One that is in force stays as long as a host that may bring
 * it is there; only where one goes, others that wanted its name or its address are looked at. @param wasInForce - before a restart
 */
export function createHosting<Group extends Claimants>(wasInForce: (group: Claimants) => boolean) {
  const strays = new Set<Group>()
  const byKey = new Map<string, Hosted<Group>>()
  const byName = new Map<string, Hosted<Group>>()
  let authority: HostServiceAuthority | undefined

  const remove = ({ group }: Hosted<Group>) => {
    byKey.delete(group.key)
    byName.delete(group.service)
  }
  const add = (group: Group, members: readonly RealServer[]) => {
    const hosted = { group, members }
    byKey.set(group.key, hosted)
    byName.set(group.service, hosted)
  }

  return {
    isStray: (group: Group) => strays.has(group),
    ofKey: (key: string) => byKey.get(key),
    ofName: (name: string) => byName.get(name),
    /** Returns the groups whose services, or reasons not to be services, may have changed. */
    update: (update: HostingUpdate<Group>): ReadonlySet<Group> => {
      const touched = new Set<Group>()
      for (const [group, stray] of update.moved) {
        if (stray || strays.has(group)) touched.add(group)
        if (stray) strays.add(group)
        else strays.delete(group)
      }
      if (update.authority !== authority) for (const group of strays) touched.add(group)
      authority = update.authority
      const candidates = new Set<Group>()
      for (const group of [...touched]) {
        const hosted = byKey.get(group.key)
        const members = strays.has(group) ? allowedMembers(group.members, update.authority) : undefined
        if (hosted?.group !== group) {
          if (members !== undefined) candidates.add(group)
        } else if (members !== undefined) add(group, members)
        else {
          remove(hosted)
          for (const rival of update.rivals(group)) {
            touched.add(rival)
            if (strays.has(rival)) candidates.add(rival)
          }
        }
      }
      for (const { of, members } of inOrderOfHosting([...candidates], update.authority, wasInForce)) {
        if (byKey.has(of.key) || byName.has(of.service)) continue
        add(of, members)
        for (const rival of update.rivals(of)) touched.add(rival)
      }
      return touched
    },
  }
}
