import type { ServiceSpec, SpecProblem } from '../../shared/config/service.ts'
import type { ServicesSnapshot } from '../../shared/config/snapshot.ts'
import { createSorryServices } from '../../shared/config/sorry-service.ts'
import type { Input } from '../../shared/rpc/gen/crossport/v1/Input.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Site } from '../compile/types.ts'
import { applyDelta, excuse, register, renew } from '../registry/registry.ts'
import type { Registry } from '../registry/types.ts'
import type { AgentHandlers } from './agents.ts'

/** The newest snapshot of every input. Watchers store here and mark the loop; only the loop acts on it. */
export interface Inputs {
  readonly services: ServicesSnapshot
  /** Those of `services`, with the real servers of their sorry services. */
  readonly specs: readonly ServiceSpec[]
  readonly specProblems: readonly SpecProblem[]
  readonly registry: Registry
  /** The director's place in the network; keeps its last value while OVSDB is away. */
  readonly site: Site | undefined
  updateRegistry(change: (registry: Registry) => Registry): void
  /** No host is blamed for the time in which this process could not listen. */
  excuse(): void
  /** What is not in sync yet, in words for the operator; undefined when all is. */
  missing(): string | undefined
  /** State of every input, for status. */
  readonly states: readonly Input[]
}

export type InputName = 'files' | 'ovsdb' | 'switch' | 'agents'

export interface InputStore extends Inputs {
  setServices(snapshot: ServicesSnapshot): void
  setSite(site: Site | undefined): void
  setState(name: InputName, state: 'in sync' | 'away', detail: string): void
  readonly agentHandlers: AgentHandlers
}

export interface InputOptions {
  readonly registry: Registry
  readonly leaseMs: number
  readonly clock: Clock
  mark(reason: string): void
}

const NO_SERVICES: ServicesSnapshot = { synced: false, specs: [], problems: [], documents: [], files: [] }
const NAMES: readonly InputName[] = ['files', 'ovsdb', 'switch', 'agents']

export function createInputs({ registry: restored, leaseMs, clock, mark }: InputOptions): InputStore {
  const withSorryServices = createSorryServices()
  let services = NO_SERVICES
  let registry = restored
  let site: Site | undefined
  const began = clock.wall().toISOString()
  const states = new Map<InputName, Input>(
    NAMES.map(name => [name, { name, state: 'away', detail: 'starting', since: began }]),
  )

  const isAway = (name: InputName) => states.get(name)?.state !== 'in sync'
  const missing = () => {
    if (!services.synced) return 'the service files'
    if (site === undefined) return `the bridge: ${states.get('ovsdb')?.detail ?? ''}`
    if (isAway('switch')) return `the switch: ${states.get('switch')?.detail ?? ''}`
    return undefined
  }

  return {
    get services() {
      return services
    },
    get specs() {
      return withSorryServices(services.specs).specs
    },
    get specProblems() {
      return [...services.problems, ...withSorryServices(services.specs).problems]
    },
    get registry() {
      return registry
    },
    get site() {
      return site
    },
    get states() {
      return NAMES.map(name => states.get(name)!)
    },
    missing,
    updateRegistry: change => {
      registry = change(registry)
    },
    excuse: () => {
      registry = excuse(registry, clock.now(), leaseMs)
    },
    setServices: snapshot => {
      services = snapshot
      mark('files')
    },
    setSite: next => {
      if (next === undefined || JSON.stringify(next) === JSON.stringify(site)) return
      site = next
      mark('bridge')
    },
    setState: (name, state, detail) => {
      const before = states.get(name)
      if (before?.state === state && before.detail === detail) return
      const since = before?.state === state ? before.since : clock.wall().toISOString()
      states.set(name, { name, state, detail, since: since ?? '' })
      mark(name)
    },
    agentHandlers: {
      onRegistration: report => {
        registry = register(registry, report, clock.now(), leaseMs)
        mark('registration')
      },
      onDelta: (hostId, delta) => {
        registry = applyDelta(registry, hostId, delta)
        mark('registration')
      },
      onAlive: hostId => {
        const wasLost = registry.hosts.get(hostId)?.state === 'lost'
        registry = renew(registry, hostId, clock.now(), leaseMs)
        // A lease that is only longer changes nothing that is acted on.
        if (wasLost) mark('registration')
      },
    },
  }
}
