import type { Compiled, CompiledObject } from '../../shared/flows/compiled.ts'
import { familiesOf } from '../../shared/net/family.ts'
import type { Family } from '../../shared/net/types.ts'
import type { VipNumbers } from '../../shared/sqlite/vip-numbers.ts'
import { compile, serviceObject } from './compile.ts'
import type { CompiledService, Site } from './types.ts'

export interface CompilerInput {
  readonly site: Site
  /** All services; read only when the site has changed. */
  readonly services: readonly CompiledService[]
  /** Services that may differ from the last update, and services that have been removed. */
  readonly altered: readonly CompiledService[]
  readonly gone: readonly CompiledService[]
}

export interface Compiler {
  /** Returns the names of the objects that may differ from the last update. */
  update(input: CompilerInput): readonly string[]
  /** Equals `compile` of the site and all services. */
  readonly compiled: Compiled
  /** True when a service has this VIP. */
  has(vip: string): boolean
}

/**
 * The incremental form of compile.ts, which defines the result: the objects of a service depend only on the service and the site.
 */
export function createCompiler(vipNumbers: Pick<VipNumbers, 'of' | 'release'>): Compiler {
  const compiled = new Map<string, CompiledObject>()
  let site = ''
  /** Numbers of the services of each VIP. */
  const vips = new Map<string, Set<number>>()
  /** Address families of all VIPs. */
  let families: readonly Family[] = []

  return {
    update: input => {
      const { altered, gone } = input
      const changed = new Set<string>()
      const drop = (name: string) => {
        compiled.delete(name)
        changed.add(name)
      }
      let otherVips = false
      for (const { vip, number } of altered) {
        const users = vips.get(vip)
        if (users !== undefined) users.add(number)
        else {
          vips.set(vip, new Set([number]))
          otherVips = true
        }
      }
      for (const service of gone) {
        const users = vips.get(service.vip)
        users?.delete(service.number)
        if (users?.size === 0 && vips.delete(service.vip)) {
          drop(`vip/${service.vip}`)
          vipNumbers.release(service.vip)
          otherVips = true
        }
        drop(serviceObject(service))
      }
      if (otherVips) families = familiesOf(vips.keys())
      const text = JSON.stringify([input.site, families.map(({ name }) => name)])
      const whole = text !== site || vips.size === 0
      site = text
      if (whole) for (const name of compiled.keys()) drop(name)
      for (const [name, object] of compile(input.site, whole ? input.services : altered, vipNumbers.of, families)) {
        compiled.set(name, object)
        changed.add(name)
      }
      return [...changed]
    },
    compiled,
    has: vip => vips.has(vip),
  }
}
