import type { Compiled, CompiledObject } from '../../shared/flows/compiled.ts'
import { FAMILIES, familyOf } from '../../shared/net/family.ts'
import type { Family } from '../../shared/net/types.ts'
import type { VipNumbers } from '../../shared/sqlite/vip-numbers.ts'
import type { PortIndex } from '../real-servers/attach.ts'
import type { RealServer } from '../real-servers/types.ts'
import type { GuestRecord } from '../store/types.ts'
import { compileGuards, compileHost, compileVip } from './compile.ts'
import { portsText } from './networks.ts'
import { shields } from './shields.ts'
import type { HostContext, Shield } from './types.ts'

export interface CompilerInput {
  /** Real servers that are gone since the last update, and those that are new. */
  readonly gone: readonly RealServer[]
  readonly come: readonly RealServer[]
  readonly records: readonly GuestRecord[]
  readonly guarded: readonly string[]
  readonly ports: PortIndex
  /** VMs' own addresses by `uuid/mac`. */
  readonly ownAddresses: ReadonlyMap<string, string>
  readonly host: HostContext
}

export interface Compiler {
  /** Returns the names of the objects that differ from the last update. An input that is the same object counts as unchanged. */
  update(input: CompilerInput): readonly string[]
  /** The same as `compile` of all real servers and shields. */
  readonly compiled: Compiled
  /** True when the VIP has a real server or objects. */
  has(vip: string): boolean
  /** Every VIP that a VM on this bridge holds or may hold. */
  shields(): Shield[]
}

/** One VIP's real servers, and the names of its objects. */
interface Vip {
  readonly realServers: RealServer[]
  readonly objects: readonly string[]
  /** It has a real server or a shield here. */
  readonly serving: boolean
}

/**
 * The incremental form of compile.ts, VIP by VIP: all objects of a VIP come from its own real servers and shields, and
 * from the host's context. compile.ts stays the specification.
 */
export function createCompiler(vipNumbers: Pick<VipNumbers, 'of' | 'release'>): Compiler {
  const compiled = new Map<string, CompiledObject>()
  const vips = new Map<string, Vip>()
  /** Number of VIPs that have objects. */
  let filled = 0
  let serving = 0
  let guarded: ReadonlySet<string> = new Set()
  let hostState: 'empty' | 'guarding' | 'serving' = 'empty'
  let records = new Map<string, GuestRecord[]>()
  let hostObjects: readonly string[] = []
  /** Number of VIPs of each address family. */
  const ofFamily = new Map<Family, number>(FAMILIES.map(family => [family, 0]))
  let families: readonly Family[] = []
  let last: (Omit<CompilerInput, 'gone' | 'come'> & { readonly hostText: string }) | undefined

  const count = (vip: string, by: number) => {
    const family = familyOf(vip)
    ofFamily.set(family, ofFamily.get(family)! + by)
  }
  const put = (name: string, vip: Vip) => {
    if (!vips.has(name)) count(name, 1)
    vips.set(name, vip)
  }
  const drop = (name: string) => {
    if (vips.delete(name)) count(name, -1)
    vipNumbers.release(name)
  }

  /** The VIPs whose input differs from the last update. */
  const dirtyVips = (input: CompilerInput, hostText: string): Set<string> => {
    const dirty = new Set<string>()
    for (const { vip, key } of input.gone) {
      const mine = vips.get(vip)?.realServers ?? []
      const at = mine.findIndex(realServer => realServer.key === key)
      if (at >= 0) mine.splice(at, 1)
      dirty.add(vip)
    }
    for (const realServer of input.come) {
      const mine = vips.get(realServer.vip)
      if (mine === undefined) put(realServer.vip, { realServers: [realServer], objects: [], serving: false })
      else mine.realServers.push(realServer)
      dirty.add(realServer.vip)
    }
    if (input.records !== last?.records) {
      const next = Map.groupBy(input.records, record => record.vip)
      for (const [vip, mine] of next) if (!sameItems(mine, records.get(vip))) dirty.add(vip)
      for (const vip of records.keys()) if (!next.has(vip)) dirty.add(vip)
      records = next
    }
    if (input.guarded !== last?.guarded) {
      const next = new Set(input.guarded)
      for (const vip of next) if (!guarded.has(vip)) dirty.add(vip)
      for (const vip of guarded) if (!next.has(vip)) dirty.add(vip)
      guarded = next
    }
    if (input.ports !== last?.ports) for (const vip of records.keys()) dirty.add(vip)
    if (input.ownAddresses !== last?.ownAddresses || hostText !== last?.hostText)
      for (const vip of [...vips.keys(), ...records.keys()]) dirty.add(vip)
    return dirty
  }

  const shieldsOf = (vip: string, { ports, ownAddresses }: Pick<CompilerInput, 'ports' | 'ownAddresses'>) =>
    shields(vips.get(vip)?.realServers ?? [], records.get(vip) ?? [], ports, (uuid, mac) =>
      ownAddresses.get(`${uuid}/${mac}`),
    )

  return {
    update: input => {
      const { vmPorts, ...rest } = input.host
      const hostText = JSON.stringify(rest) + portsText({ vmPorts })
      const before: string[] = []
      const now = new Map<string, CompiledObject>()
      const dirty = dirtyVips(input, hostText)
      for (const vip of dirty) {
        const {
          realServers,
          objects,
          serving: served,
        } = vips.get(vip) ?? { realServers: [], objects: [], serving: false }
        if (realServers.length > 1) realServers.sort((a, b) => (a.key < b.key ? -1 : 1))
        const held = shieldsOf(vip, input)
        const number = vipNumbers.of(vip)
        const isGuarded = guarded.has(vip)
        const made = compileVip({ vip, number, realServers, shields: held, guarded: isGuarded, host: input.host })
        const serves = realServers.length + held.length > 0
        before.push(...objects)
        for (const [name, object] of made) now.set(name, object)
        if (realServers.length === 0 && made.size === 0) drop(vip)
        else put(vip, { realServers, objects: [...made.keys()], serving: serves })
        serving += Number(serves) - Number(served)
        filled += Number(made.size > 0) - Number(objects.length > 0)
      }
      const state = filled === 0 ? 'empty' : serving === 0 ? 'guarding' : 'serving'
      const familiesBefore = names(families)
      families = FAMILIES.filter(family => ofFamily.get(family)! > 0)
      const others = names(families) !== familiesBefore
      if (hostText !== last?.hostText || state !== hostState || others) {
        const made: Compiled = new Map([
          ...(state === 'empty' ? [] : compileGuards(input.host, families)),
          ...(state === 'serving' ? compileHost(input.host, families) : []),
        ])
        before.push(...hostObjects)
        for (const [name, object] of made) now.set(name, object)
        hostObjects = [...made.keys()]
      }
      hostState = state
      last = { ...input, hostText }
      // A real server that changes its VIP takes its object along, so removed objects are known only after all VIPs are compiled.
      const changed = before.filter(name => !now.has(name) && compiled.delete(name))
      for (const [name, object] of now) {
        if (compiled.get(name)?.signature === object.signature) continue
        compiled.set(name, object)
        changed.push(name)
      }
      return changed
    },
    compiled,
    has: vip => vips.has(vip),
    shields: () => {
      const input = last
      return input === undefined ? [] : [...vips.keys()].flatMap(vip => shieldsOf(vip, input))
    },
  }
}

function sameItems<T>(a: readonly T[], b: readonly T[] | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((item, i) => item === b[i])
}

const names = (families: readonly Family[]): string => families.map(({ name }) => name).join()
