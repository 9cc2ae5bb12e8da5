import { CrossportError } from '../errors.ts'
import { cookieText } from './cookie.ts'
import { flowContent, flowKey, groupContent } from './key.ts'
import type { Change, DesiredState, Flow, Group, InstalledState } from './types.ts'

/**
 * The change that turns `installed` into `desired`: `apply(diff(d, i), i)` is d. Throws FLOW_DUPLICATE when two desired flows
 * have one key, or two groups one id: the switch would keep only the last of them without an error.
 */
export function diff(desired: DesiredState, installed: InstalledState) {
  return { ...diffFlows(desired.flows, installed.flows), ...diffGroups(desired.groups, installed.groups) }
}

function diffFlows(desired: readonly Flow[], installed: readonly Flow[]) {
  const left = new Map(installed.map(flow => [flowKey(flow), flow]))
  const wanted = new Map<string, Flow>()
  const addFlows: Flow[] = []
  const replaceFlows: Flow[] = []
  for (const flow of desired) {
    const key = flowKey(flow)
    const twin = wanted.get(key)
    if (twin !== undefined) throw duplicateFlow(key, twin, flow)
    wanted.set(key, flow)
    const there = left.get(key)
    left.delete(key)
    if (there === undefined) addFlows.push(flow)
    else if (flowContent(there) !== flowContent(flow)) replaceFlows.push(flow)
  }
  return { addFlows, replaceFlows, deleteFlows: [...left.values()] }
}

function diffGroups(desired: readonly Group[], installed: readonly Group[]) {
  const left = new Map(installed.map(group => [group.id, group]))
  const wanted = new Map<number, Group>()
  const addGroups: Group[] = []
  const modifyGroups: Group[] = []
  for (const group of desired) {
    const twin = wanted.get(group.id)
    if (twin !== undefined) throw duplicateGroup(twin, group)
    wanted.set(group.id, group)
    const there = left.get(group.id)
    left.delete(group.id)
    if (there === undefined) addGroups.push(group)
    else if (groupContent(there) !== groupContent(group)) modifyGroups.push(group)
  }
  return { addGroups, modifyGroups, deleteGroups: [...left.keys()] }
}

export const NO_CHANGE: Change = {
  addGroups: [],
  modifyGroups: [],
  addFlows: [],
  replaceFlows: [],
  deleteFlows: [],
  deleteGroups: [],
}

/** How many flows and groups the change touches. */
export function changeSize(change: Change): number {
  return Object.values(change).reduce((sum, list: { readonly length: number }) => sum + list.length, 0)
}

export function duplicateFlow(key: string, one: Flow, other: Flow, owners?: readonly [string, string]): CrossportError {
  const names = owners ?? [cookieText(one.cookie), cookieText(other.cookie)]
  return new CrossportError('FLOW_DUPLICATE', `${names[0]} and ${names[1]} both want the flow ${key}`, {
    fields: {
      ...by(owners),
      FLOW: key,
      FIRST: `${names[0]}: ${flowContent(one)}`,
      SECOND: `${names[1]}: ${flowContent(other)}`,
    },
  })
}

export function duplicateGroup(one: Group, other: Group, owners?: readonly [string, string]): CrossportError {
  const names = owners === undefined ? '' : ` by ${owners[0]} and ${owners[1]}`
  return new CrossportError('FLOW_DUPLICATE', `group ${one.id} is wanted twice${names}`, {
    fields: { ...by(owners), GROUP: one.id, FIRST: groupContent(one), SECOND: groupContent(other) },
  })
}

/** Names the second of the two. */
const by = (owners: readonly [string, string] | undefined) => (owners === undefined ? {} : { OBJECT: owners[1] })
