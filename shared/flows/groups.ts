import { duplicateGroup } from './diff.ts'
import { groupContent } from './key.ts'
import type { Group } from './types.ts'

interface Claim {
  readonly object: string
  readonly group: Group
  readonly content: string
}

interface Entry {
  /**
   * More than one while a group passes from one object to another, in whichever order they are set; only `change` treats this as
   * an error.
   */
  claims: readonly Claim[]
  installed: { readonly content: string } | undefined
}

/** Claims on groups, and the groups believed to be installed. There are few groups, so their texts are kept. */
export function createGroupTable() {
  const entries = new Map<number, Entry>()
  const dirty = new Set<number>()

  const entry = (id: number) => {
    let found = entries.get(id)
    if (found === undefined) entries.set(id, (found = { claims: [], installed: undefined }))
    return found
  }
  const touch = (id: number, e: Entry) => {
    if (e.claims.length > 1 || e.claims[0]?.content !== e.installed?.content) dirty.add(id)
    else dirty.delete(id)
    if (e.claims.length === 0 && e.installed === undefined) entries.delete(id)
  }
  const believe = (id: number, group: Group | undefined) => {
    const e = entry(id)
    e.installed = group === undefined ? undefined : { content: groupContent(group) }
    touch(id, e)
  }

  return {
    unclaim(id: number, object: string) {
      const e = entry(id)
      e.claims = e.claims.filter(claim => claim.object !== object)
      touch(id, e)
    },
    claim(object: string, group: Group) {
      const e = entry(group.id)
      e.claims = [...e.claims, { object, group, content: groupContent(group) }]
      touch(group.id, e)
    },
    readBack(groups: Iterable<Group>) {
      for (const [id, e] of entries) {
        e.installed = undefined
        touch(id, e)
      }
      for (const group of groups) believe(group.id, group)
    },
    believe,
    /** Throws FLOW_DUPLICATE. */
    change() {
      const addGroups: Group[] = []
      const modifyGroups: Group[] = []
      const deleteGroups: number[] = []
      for (const id of dirty) {
        const { claims, installed } = entry(id)
        const [first, second] = claims
        if (first !== undefined && second !== undefined)
          throw duplicateGroup(first.group, second.group, [first.object, second.object])
        if (first === undefined) deleteGroups.push(id)
        else if (installed === undefined) addGroups.push(first.group)
        else modifyGroups.push(first.group)
      }
      return { addGroups, modifyGroups, deleteGroups }
    },
    owner: (id: number) => entries.get(id)?.claims.at(-1)?.object,
    *wanted() {
      for (const { claims } of entries.values()) for (const { group } of claims) yield group
    },
  }
}
