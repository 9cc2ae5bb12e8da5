import type { Print } from '../openflow/print.ts'
import { flowKeyText } from '../openflow/text.ts'
import type { CompiledObject } from './compiled.ts'
import { duplicateFlow } from './diff.ts'
import { createEntries, printOf } from './entries.ts'
import { createGroupTable } from './groups.ts'
import { flowContent, flowKey } from './key.ts'
import { createPrintList, type PrintList } from './print-list.ts'
import type { Change, DesiredState, Flow, FlowList, InstalledState } from './types.ts'

/**
 * The incremental form of diff.ts. Desired state is kept by object (a service, a real server, a VM's port), so that a changed
 * object costs in proportion to its own flows. The table also holds what the switch is believed to have; `readBack` replaces this
 * belief. Of flows it keeps only fingerprints; the flows are made again from their objects when they are needed.
 */
export interface FlowTable {
  /** Replaces what `object` wants; undefined removes it. Returns the number of flows before and now, added together. */
  set(object: string, wanted: CompiledObject | undefined): number
  readonly objects: Iterable<string>
  readonly desired: DesiredState
  /** Number of desired flows and groups. */
  readonly size: { readonly flows: number; readonly groups: number }
  /** What `object` was last set to; undefined: nothing. */
  wanted(object: string): CompiledObject | undefined
  /** The object that wants this flow (key.ts) or group; of several, the one that was set last. Slow. */
  ownerOfFlow(key: string): string | undefined
  ownerOfGroup(id: number): string | undefined
  /** True when a flow of ours has, or should have, this flow's table, priority and match. */
  has(flow: Flow): boolean
  /** Begins a new reading of the switch: the next `change` is the whole difference to it. */
  readBack(): ReadBack
  /** Begins a reading before anything is set: only prints of the installed flows are kept. */
  readAhead(): ReadBack
  /** Number of flows to add, if flows are only to be added; else 0. */
  readonly additions: number
  /** True when flows found by `readAhead` have to be read again, with their content. */
  readonly undescribed: boolean
  /**
   * What has to be done now. The result is valid until it is confirmed, desired state changes, or the switch is read back; until
   * then its flows can be iterated. `sweep` false: without deletions. Throws FLOW_DUPLICATE, naming both objects, while two of
   * them want one flow.
   */
  change(options?: { readonly sweep?: boolean }): Change
  /** The switch has confirmed this change, whose flows were iterated, and whose objects have not been set since. */
  confirm(change: Change): void
}

export interface ReadBack {
  /** True when the flow with this print is as desired, so that its content is not needed. */
  known(print: Print): boolean
  /**
   * Ends the reading with all installed flows that were not known. Returns the number of installed flows, known ones included.
   */
  done(installed: InstalledState): number
}

export interface WrittenFlows {
  /** Each flow as text that ovs-ofctl reads. */
  readonly texts: readonly string[]
  /** The prints of these flows, see PrintList. */
  readonly prints: Uint8Array
}

/** Prints of an object's flows at this signature; undefined: not known. */
export type KnownPrints = (object: string, signature: string) => Uint8Array | undefined

/** The objects of a change, and the flows of it that have been iterated. */
interface Sent {
  readonly logs: readonly PrintList[]
  readonly objects: ReadonlyMap<string, number>
}

/** `knownPrints`: saves making flows only to fingerprint them. */
export function createFlowTable(knownPrints: KnownPrints = () => undefined): FlowTable {
  const entries = createEntries()
  const groups = createGroupTable()
  /** Names of the objects, by number. */
  const numbers = new Map<string, number>()
  const names: (string | undefined)[] = []
  const states: (CompiledObject | undefined)[] = []
  const freeNumbers: number[] = []
  /** Objects whose flows may differ from the installed ones, each with the number of its last setting. */
  const dirty = new Map<string, number>()
  let settings = 0
  /** Installed flows that no object wants. */
  const unclaimed = new Map<string, Flow>()
  /** Keys claimed by several objects, in this order: while a flow passes from one object to another, or by mistake. */
  const contested = new Map<string, string[]>()
  const size = { flows: 0, groups: 0 }
  const sent = new WeakMap<Change, Sent>()

  const wanted = (object: string) => states[numbers.get(object) ?? -1]
  const flowsOf = (object: string) => wanted(object)?.flows() ?? []

  const claimed = createPrintList()
  const printsOf = (object: string, { signature, flows }: CompiledObject): PrintList => {
    claimed.clear()
    const known = knownPrints(object, signature)
    if (known !== undefined) claimed.pushBytes(known)
    else for (const flow of flows()) claimed.push(printOf(flow))
    return claimed
  }

  const claim = (print: Print, object: string, number: number) => {
    const at = entries.place(print)
    if (entries.claims(at) > 0) {
      const key = keyOf(print)
      const others = contested.get(key) ?? [names[entries.owner(at)]!]
      contested.set(key, [...others, object])
    }
    entries.claim(at, number, print)
    if (unclaimed.size > 0) unclaimed.delete(keyOf(print))
  }

  const unclaim = (flow: Flow, object: string) => {
    const print = printOf(flow)
    const at = entries.find(print)
    entries.unclaim(at)
    if (contested.size === 0) return
    const key = keyOf(print)
    const left = contested.get(key)?.toSpliced(contested.get(key)!.indexOf(object), 1)
    if (left === undefined) return
    if (left.length > 1) contested.set(key, left)
    else contested.delete(key)
    // The last of the remaining claims counts now.
    const owner = left.at(-1)!
    const own = flowsOf(owner).find(candidate => keyOf(printOf(candidate)) === key)
    if (own === undefined) return
    entries.unclaim(at)
    entries.claim(at, numbers.get(owner)!, printOf(own))
    dirty.set(owner, ++settings)
  }

  const hold = (object: string, wanted: CompiledObject): number => {
    const number = numbers.get(object) ?? freeNumbers.pop() ?? names.length
    names[number] = object
    states[number] = wanted
    numbers.set(object, number)
    return number
  }

  const release = (object: string) => {
    const number = numbers.get(object)!
    numbers.delete(object)
    names[number] = states[number] = undefined
    freeNumbers.push(number)
    dirty.delete(object)
  }

  /** The flows of these objects whose installed state differs. */
  const unlike = (objects: Sent['objects'], installed: boolean, length: number, log: PrintList): FlowList => ({
    length,
    *[Symbol.iterator]() {
      log.clear()
      if (length === 0) return
      for (const object of objects.keys()) {
        for (const flow of flowsOf(object)) {
          const print = printOf(flow)
          const at = entries.find(print)
          if (entries.isInstalled(at) !== installed || entries.isAsWanted(at)) continue
          log.push(print)
          yield flow
        }
      }
    },
  })

  const reading = (take: (print: Print) => boolean): ReadBack => {
    entries.forgetInstalled()
    unclaimed.clear()
    let taken = 0
    return {
      known: print => {
        const found = take(print)
        if (found) taken++
        return found
      },
      done: installed => {
        for (const flow of installed.flows) {
          const print = printOf(flow)
          const at = entries.place(print)
          entries.install(at, print)
          if (entries.claims(at) === 0) unclaimed.set(keyOf(print), flow)
        }
        groups.readBack(installed.groups)
        for (const at of entries.unlike()) dirty.set(names[entries.owner(at)]!, ++settings)
        return taken + installed.flows.length
      },
    }
  }

  return {
    set(object, now) {
      const before = wanted(object)
      const lost = before?.flows() ?? []
      const lostGroups = before?.groups?.() ?? []
      const groupsNow = now?.groups?.() ?? []
      const prints = now === undefined ? undefined : printsOf(object, now)
      const count = prints?.length ?? 0
      size.flows += count - lost.length
      size.groups += groupsNow.length - lostGroups.length
      for (const flow of lost) unclaim(flow, object)
      for (const { id } of lostGroups) groups.unclaim(id, object)
      if (now !== undefined) {
        const number = hold(object, now)
        prints?.each(print => claim(print, object, number))
        for (const group of groupsNow) groups.claim(object, group)
        dirty.set(object, ++settings)
      } else if (before !== undefined) release(object)
      for (const flow of lost) {
        const print = printOf(flow)
        const at = entries.find(print)
        if (entries.claims(at) === 0 && entries.isInstalled(at)) unclaimed.set(keyOf(print), flow)
      }
      return lost.length + count
    },
    get objects() {
      return numbers.keys()
    },
    get desired() {
      return { flows: [...numbers.keys()].flatMap(flowsOf), groups: [...groups.wanted()] }
    },
    size,
    wanted,
    ownerOfFlow: key => {
      const stands = ({ table, priority }: Flow) => key.startsWith(`table=${table},priority=${priority}`)
      const wants = (object: string) => flowsOf(object).some(flow => stands(flow) && flowKeyText(flow) === key)
      // A refused flow is most often one that was just sent.
      for (const objects of [dirty.keys(), numbers.keys()])
        for (const object of [...objects].reverse()) if (wants(object)) return object
      return undefined
    },
    ownerOfGroup: groups.owner,
    has: flow => {
      const at = entries.find(printOf(flow))
      return at >= 0 && (entries.claims(at) > 0 || entries.isInstalled(at))
    },
    readAhead() {
      return reading(print => {
        entries.install(entries.place(print), print)
        return true
      })
    },
    readBack() {
      return reading(print => {
        const at = entries.find(print)
        // A flow that the switch encodes differently is compared after it is decoded.
        if (at < 0 || !entries.isWanted(at, print)) return false
        entries.install(at, print)
        return true
      })
    },
    get additions() {
      const { missing, different, unclaimed: nobodys } = entries.counts
      return different + nobodys + contested.size === 0 ? missing : 0
    },
    get undescribed() {
      return entries.counts.unclaimed > unclaimed.size || entries.counts.different > 0
    },
    change({ sweep = true } = {}) {
      const both = contested.values().next().value
      if (both !== undefined) throw clash(contested.keys().next().value!, both, flowsOf)
      const { missing, different } = entries.counts
      if (missing + different === 0) dirty.clear()
      const { addGroups, modifyGroups, deleteGroups } = groups.change()
      const logs = [createPrintList(), createPrintList()] as const
      const objects = new Map(dirty)
      const change: Change = {
        addGroups,
        modifyGroups,
        addFlows: unlike(objects, false, missing, logs[0]),
        replaceFlows: unlike(objects, true, different, logs[1]),
        deleteFlows: sweep ? [...unclaimed.values()] : [],
        deleteGroups: sweep ? deleteGroups : [],
      }
      sent.set(change, { logs, objects })
      return change
    },
    confirm(change) {
      for (const group of [...change.addGroups, ...change.modifyGroups]) groups.believe(group.id, group)
      const { logs = [], objects = [] } = sent.get(change) ?? {}
      for (const log of logs) log.each(print => entries.install(entries.place(print), print))
      for (const [object, setting] of objects) if (dirty.get(object) === setting) dirty.delete(object)
      for (const flow of change.deleteFlows) {
        const print = printOf(flow)
        entries.install(entries.place(print), undefined)
        unclaimed.delete(keyOf(print))
      }
      for (const id of change.deleteGroups) groups.believe(id, undefined)
      if (entries.counts.missing + entries.counts.different === 0) dirty.clear()
    },
  }
}

const keyOf = ({ key0, key1 }: Print): string => `${key0} ${key1}`

/** Flows as they are written to the store. */
export function writtenFlows(flows: readonly Flow[]): WrittenFlows {
  const prints = createPrintList()
  for (const flow of flows) prints.push(printOf(flow))
  return { texts: flows.map(flow => `${flowKey(flow)},${flowContent(flow)}`), prints: prints.bytes() }
}

/** Names the objects whose flows clash, and the flow. */
function clash(key: string, [one, other]: readonly string[], flowsOf: (object: string) => readonly Flow[]) {
  const mine = (object: string) => flowsOf(object).filter(flow => keyOf(printOf(flow)) === key)
  const first = mine(one!)[0]!
  const second = mine(other!).at(-1)!
  return duplicateFlow(flowKey(first), first, second, [one!, other!])
}
