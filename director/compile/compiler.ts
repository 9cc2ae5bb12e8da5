import type { Compiled, CompiledObject } from '../../shared/flows/compiled.ts'
import { compile, serviceObject } from './compile.ts'
import type { CompiledService, Site } from './types.ts'

export interface CompilerInput {
  readonly site: Site
  /** All of them: read only when the site has changed. */
  readonly services: readonly CompiledService[]
  /** Those of `services` that may differ from the last update, and those that are not among them any more. */
  readonly altered: readonly CompiledService[]
  readonly gone: readonly CompiledService[]
}

export interface Compiler {
  /** Returns the objects that may differ from the last update. */
  update(input: CompilerInput): readonly string[]
  /** The same as `compile` of the site and all services. */
  readonly compiled: Compiled
}

/** The incremental form of compile.ts, which stays the specification: what a service needs depends on it and the site only. */
export function createCompiler(): Compiler {
  const compiled = new Map<string, CompiledObject>()
  let site = ''
  /** Numbers of every VIP's services. */
  const vips = new Map<string, Set<number>>()

  return {
    update: input => {
      const { altered, gone } = input
      const changed = new Set<string>()
      const drop = (name: string) => {
        compiled.delete(name)
        changed.add(name)
      }
      for (const { vip, number } of altered) {
        const users = vips.get(vip)
        if (users === undefined) vips.set(vip, new Set([number]))
        else users.add(number)
      }
      for (const service of gone) {
        const users = vips.get(service.vip)
        users?.delete(service.number)
        if (users?.size === 0 && vips.delete(service.vip)) drop(`vip/${service.vip}`)
        drop(serviceObject(service))
      }
      const text = JSON.stringify(input.site)
      const whole = text !== site || vips.size === 0
      site = text
      if (whole) for (const name of compiled.keys()) drop(name)
      for (const [name, object] of compile(input.site, whole ? input.services : altered)) {
        compiled.set(name, object)
        changed.add(name)
      }
      return [...changed]
    },
    compiled,
  }
}
