import { duplicateFlow, duplicateGroup } from './diff.ts'
import { flowContent, flowKey, groupContent } from './key.ts'
import type { Change, DesiredState, Flow, Group, InstalledState } from './types.ts'

/**
 * The incremental form of diff.ts: desired state kept per object (a service, a real server, a VM port), so that one
 * changed object costs in proportion to that object. Holds what the switch is believed to have, too; a fresh reading
 * (`readBack`) replaces the belief.
 */
export interface FlowTable {
  /** What `object` wants from now on, in place of what it wanted; an empty state removes it. */
  set(object: string, wanted: DesiredState): void
  readonly objects: Iterable<string>
  readonly desired: DesiredState
  /** What `object` wants now; undefined when nothing. */
  wanted(object: string): DesiredState | undefined
  /** The flows of `object`, each as text that ovs-ofctl reads. */
  texts(object: string): readonly string[]
  /** The object that wants this flow (key.ts) or group, and wanted it last where there are several. */
  ownerOfFlow(key: string): string | undefined
  ownerOfGroup(id: number): string | undefined
  /** The switch's own account: the next `change` is the whole difference to it. */
  readBack(installed: InstalledState): void
  /**
   * What is to be done now. Stays the same until it is confirmed, desired state changes, or the switch is read back.
   * Throws FLOW_DUPLICATE, naming both objects, while two of them want one flow.
   */
  change(): Change
  /** The switch has confirmed this change. Desired state may have moved on meanwhile. */
  confirm(change: Change): void
}

interface Claim<T> {
  readonly object: string
  readonly item: T
  readonly content: string
}

interface Entry<T> {
  /** More than one while objects hand a key over, in whichever order they are set; an error only in `change`. */
  claims: readonly Claim<T>[]
  installed: { readonly item: T; readonly content: string } | undefined
}

const NONE: readonly never[] = []

/** Claims and belief of one sort of thing, flows or groups. */
function createSide<T extends object, K>(
  content: (item: T) => string,
  twice: (key: K, a: Claim<T>, b: Claim<T>) => Error,
) {
  const entries = new Map<K, Entry<T>>()
  const contentOf = remember(content)
  let dirty = new Set<K>()

  const entry = (key: K) => {
    let found = entries.get(key)
    if (found === undefined) entries.set(key, (found = { claims: NONE, installed: undefined }))
    return found
  }
  const differs = (e: Entry<T>) => e.claims.length > 1 || e.claims[0]?.content !== e.installed?.content
  const touch = (key: K, e: Entry<T>) => {
    if (differs(e)) dirty.add(key)
    else if (dirty.delete(key) && dirty.size === 0) dirty = new Set()
    if (e.claims.length === 0 && e.installed === undefined) entries.delete(key)
  }

  /** Nearly always what is installed is what is wanted: one object for both, of a hundred thousand. */
  const shared = (e: Entry<T>, item: T) => {
    const [claim] = e.claims
    const text = claim?.item === item ? claim.content : content(item)
    return claim?.content === text ? claim : { item, content: text }
  }

  return {
    unclaim(key: K, object: string) {
      const e = entry(key)
      e.claims =
        e.claims.length === 1 && e.claims[0]!.object === object
          ? NONE
          : e.claims.filter(claim => claim.object !== object)
      touch(key, e)
    },
    claim(key: K, object: string, item: T) {
      const e = entry(key)
      e.claims = [...e.claims, { object, item, content: contentOf(item) }]
      touch(key, e)
    },
    believe(key: K, item: T | undefined) {
      const e = entry(key)
      e.installed = item === undefined ? undefined : shared(e, item)
      touch(key, e)
    },
    readBack(items: Iterable<readonly [K, T]>) {
      for (const e of entries.values()) e.installed = undefined
      for (const [key, item] of items) {
        const e = entry(key)
        e.installed = shared(e, item)
      }
      for (const [key, e] of entries) touch(key, e)
    },
    collect(add: (item: T) => void, replace: (item: T) => void, remove: (item: T) => void) {
      for (const key of dirty) {
        const e = entry(key)
        const [first, second] = e.claims
        if (first !== undefined && second !== undefined) throw twice(key, first, second)
        if (first === undefined) remove(e.installed!.item)
        else if (e.installed === undefined) add(first.item)
        else replace(first.item)
      }
    },
    owner: (key: K) => entries.get(key)?.claims.at(-1)?.object,
    contentOf,
    *wanted() {
      for (const e of entries.values()) for (const claim of e.claims) yield claim.item
    },
  }
}

/** Compiled flows and groups are never changed in place, so that what was worked out once holds. */
function remember<T extends object, V>(work: (item: T) => V): (item: T) => V {
  const known = new WeakMap<T, V>()
  return item => {
    let value = known.get(item)
    if (value === undefined) known.set(item, (value = work(item)))
    return value
  }
}

export function createFlowTable(): FlowTable {
  const keyOf = remember(flowKey)
  const flows = createSide<Flow, string>(flowContent, (key, a, b) =>
    duplicateFlow(key, a.item, b.item, [a.object, b.object]),
  )
  const groups = createSide<Group, number>(groupContent, (_id, a, b) =>
    duplicateGroup(a.item, b.item, [a.object, b.object]),
  )
  const wantedBy = new Map<string, DesiredState>()

  return {
    set(object, wanted) {
      const before = wantedBy.get(object)
      for (const flow of before?.flows ?? []) flows.unclaim(keyOf(flow), object)
      for (const { id } of before?.groups ?? []) groups.unclaim(id, object)
      for (const flow of wanted.flows) flows.claim(keyOf(flow), object, flow)
      for (const group of wanted.groups) groups.claim(group.id, object, group)
      if (wanted.flows.length + wanted.groups.length === 0) wantedBy.delete(object)
      else wantedBy.set(object, wanted)
    },
    get objects() {
      return wantedBy.keys()
    },
    get desired() {
      return { flows: [...flows.wanted()], groups: [...groups.wanted()] }
    },
    wanted: object => wantedBy.get(object),
    texts: object => (wantedBy.get(object)?.flows ?? []).map(flow => `${keyOf(flow)},${flows.contentOf(flow)}`),
    ownerOfFlow: flows.owner,
    ownerOfGroup: groups.owner,
    readBack(installed) {
      flows.readBack(installed.flows.map(flow => [keyOf(flow), flow]))
      groups.readBack(installed.groups.map(group => [group.id, group]))
    },
    change() {
      const addGroups: Group[] = []
      const modifyGroups: Group[] = []
      const addFlows: Flow[] = []
      const replaceFlows: Flow[] = []
      const deleteFlows: Flow[] = []
      const deleteGroups: number[] = []
      groups.collect(
        group => addGroups.push(group),
        group => modifyGroups.push(group),
        group => deleteGroups.push(group.id),
      )
      flows.collect(
        flow => addFlows.push(flow),
        flow => replaceFlows.push(flow),
        flow => deleteFlows.push(flow),
      )
      return { addGroups, modifyGroups, addFlows, replaceFlows, deleteFlows, deleteGroups }
    },
    confirm(change) {
      for (const group of [...change.addGroups, ...change.modifyGroups]) groups.believe(group.id, group)
      for (const flow of [...change.addFlows, ...change.replaceFlows]) flows.believe(keyOf(flow), flow)
      for (const flow of change.deleteFlows) flows.believe(keyOf(flow), undefined)
      for (const id of change.deleteGroups) groups.believe(id, undefined)
    },
  }
}
