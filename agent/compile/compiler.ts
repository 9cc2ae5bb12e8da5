import type { Compiled, CompiledObject } from '../../shared/flows/compiled.ts'
import type { PortIndex } from '../backends/attach.ts'
import type { Backend } from '../backends/types.ts'
import type { GuestRecord } from '../guest/types.ts'
import { compileHost, compileVip } from './compile.ts'
import { portsText } from './networks.ts'
import { shields } from './shields.ts'
import type { HostContext, Shield } from './types.ts'

export interface CompilerInput {
  /** Real servers that are gone since the last update, and those that are new. */
  readonly gone: readonly Backend[]
  readonly come: readonly Backend[]
  readonly records: readonly GuestRecord[]
  readonly ports: PortIndex
  /** VMs' own addresses by `uuid/mac`. */
  readonly ownAddresses: ReadonlyMap<string, string>
  readonly host: HostContext
}

export interface Compiler {
  /** Returns the objects that differ from the last update. Inputs that are the same object are taken to be unchanged. */
  update(input: CompilerInput): readonly string[]
  /** The same as `compile` of all real servers and shields. */
  readonly compiled: Compiled
  /** Every VIP that a VM on this bridge holds or may hold. */
  shields(): Shield[]
}

/**
 * The incremental form of compile.ts, VIP by VIP: all objects of a VIP come from its own real servers and shields, and
 * from the host's context. compile.ts stays the specification.
 */
export function createCompiler(): Compiler {
  const compiled = new Map<string, CompiledObject>()
  const backends = new Map<string, Map<string, Backend>>()
  const objects = new Map<string, readonly string[]>()
  const held = new Map<string, readonly Shield[]>()
  let records = new Map<string, GuestRecord[]>()
  let hostObjects: readonly string[] = []
  let last: (Omit<CompilerInput, 'gone' | 'come'> & { readonly hostText: string }) | undefined

  /** The VIPs that `input` has something new for. */
  const dirtyVips = (input: CompilerInput, hostText: string): Set<string> => {
    const dirty = new Set<string>()
    for (const { vip, key } of input.gone) {
      const mine = backends.get(vip)
      if (mine?.delete(key) && mine.size === 0) backends.delete(vip)
      dirty.add(vip)
    }
    for (const backend of input.come) {
      const mine = backends.get(backend.vip)
      if (mine === undefined) backends.set(backend.vip, new Map([[backend.key, backend]]))
      else mine.set(backend.key, backend)
      dirty.add(backend.vip)
    }
    if (input.records !== last?.records) {
      const next = Map.groupBy(input.records, record => record.vip)
      for (const [vip, mine] of next) if (!sameItems(mine, records.get(vip))) dirty.add(vip)
      for (const vip of records.keys()) if (!next.has(vip)) dirty.add(vip)
      records = next
    }
    if (input.ports !== last?.ports) for (const vip of records.keys()) dirty.add(vip)
    if (input.ownAddresses !== last?.ownAddresses || hostText !== last?.hostText)
      for (const vip of [...backends.keys(), ...records.keys()]) dirty.add(vip)
    return dirty
  }

  return {
    update: input => {
      const { vmPorts, ...rest } = input.host
      const hostText = JSON.stringify(rest) + portsText({ vmPorts })
      const before: string[] = []
      const now = new Map<string, CompiledObject>()
      for (const vip of dirtyVips(input, hostText)) {
        const mine = [...(backends.get(vip)?.values() ?? [])].sort((a, b) => (a.key < b.key ? -1 : 1))
        const shielded = shields(mine, records.get(vip) ?? [], input.ports, (uuid, mac) =>
          input.ownAddresses.get(`${uuid}/${mac}`),
        )
        const made = compileVip({ vip, backends: mine, shields: shielded, host: input.host })
        before.push(...(objects.get(vip) ?? []))
        for (const [name, object] of made) now.set(name, object)
        if (made.size === 0) objects.delete(vip)
        else objects.set(vip, [...made.keys()])
        if (shielded.length === 0) held.delete(vip)
        else held.set(vip, shielded)
      }
      const empty = objects.size === 0
      if (hostText !== last?.hostText || empty !== (hostObjects.length === 0)) {
        const made: Compiled = empty ? new Map() : compileHost(input.host)
        before.push(...hostObjects)
        for (const [name, object] of made) now.set(name, object)
        hostObjects = [...made.keys()]
      }
      last = { ...input, hostText }
      // A real server takes its object along from one VIP to another: what is gone is known only when all is there.
      const changed = before.filter(name => !now.has(name) && compiled.delete(name))
      for (const [name, object] of now) {
        if (compiled.get(name)?.signature === object.signature) continue
        compiled.set(name, object)
        changed.push(name)
      }
      return changed
    },
    compiled,
    shields: () => [...held.values()].flat(),
  }
}

function sameItems<T>(a: readonly T[], b: readonly T[] | undefined): boolean {
  return b !== undefined && a.length === b.length && a.every((item, i) => item === b[i])
}
