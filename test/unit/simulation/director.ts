import { directorConfigSchema } from '../../../director/config.ts'
import { createHouse, type House } from '../../../director/house.ts'
import type { Outcome } from '../../../director/outlets/types.ts'
import { connectionAccounts } from '../../../director/parts/accounts.ts'
import { agentHandlers } from '../../../director/parts/agents.ts'
import { announce } from '../../../director/parts/announce.ts'
import { driftGuard } from '../../../director/parts/drift-guard.ts'
import { hostServices } from '../../../director/parts/host-services.ts'
import { leases } from '../../../director/parts/leases.ts'
import { numbers } from '../../../director/parts/numbers.ts'
import { offer } from '../../../director/parts/offer.ts'
import { progress } from '../../../director/parts/progress.ts'
import { release } from '../../../director/parts/release.ts'
import { switchHandlers } from '../../../director/parts/switch.ts'
import type { Store } from '../../../director/store/store.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import type { Switch, SwitchHandlers } from '../../../shared/switch/types.ts'
import type { ModelSwitch } from './model-switch.ts'

export const LEASE = 10_000
export const IDLE_SECONDS = 20

const CONFIG = directorConfigSchema.parse({
  bridge: 'br0',
  uplink: 'uplink0',
  id: 'd1',
  leaseMs: LEASE,
  hostServices: [{ hosts: '*', vips: ['10.10.1.0/24'] }],
  connectionTimeouts: { tcp: IDLE_SECONDS, udp: IDLE_SECONDS },
})

/** Surroundings of the director besides its switch; they may fail. */
export interface Surroundings {
  /** Calls of the state file that fail. */
  readonly failing: Set<
    'hosts' | 'files' | 'numbers' | 'vips' | 'release' | 'companion' | 'intent' | 'outlet' | 'flush'
  >
  /** The connection table: the service whose connections are in each zone. */
  readonly table: Map<number, string>
  /** Who had each mark last, and whether it has it still. */
  readonly marks?: Map<number, MarkUse>
}

interface MarkUse {
  readonly name: string
  readonly inForce: boolean
  /** When it was last known to be in force. */
  readonly at: number
}

/** The director as director/run.ts builds it, between models. */
export interface SimulatedDirector {
  readonly house: House
  readonly handlers: SwitchHandlers
  readonly agents: ReturnType<typeof agentHandlers>
  /** What a companion and an outlet have been given: keys of services, numbers of zones. */
  readonly told: { readonly services: Set<string>; readonly zones: Set<number> }
  /** kill -9: from now on it does nothing, whatever it was about to do. */
  kill(): void
}

export interface SimulationOptions extends Surroundings {
  readonly store: Store
  readonly sw: ModelSwitch
  readonly clock: Clock
}

export function startDirector({
  store,
  sw,
  clock,
  failing,
  table,
  marks = new Map(),
}: SimulationOptions): SimulatedDirector {
  let dead = false
  const never = new Promise<never>(() => {})
  const perhaps = (what: Parameters<typeof failing.has>[0]) => {
    if (failing.has(what)) throw new Error(`the model fails: ${what}`)
  }
  const house = createHouse({ config: CONFIG, store: fallible(store, perhaps), log: quiet, clock, version: '1' })
  const { cells, companions, intents, outcomes, loop } = house
  cells.switch.set({
    readInstalled: async known => (dead ? never : sw.readInstalled(known).then(read => (dead ? never : read))),
    commit: async change => (dead ? never : sw.commit(change).then(() => (dead ? never : undefined))),
    packetOut: async () => {},
  } as Partial<Switch> as Switch)

  intents.plug({ name: 'model intents', take: () => perhaps('intent') })
  const told = { services: new Set<string>(), zones: new Set<number>() }
  companions.plug({
    name: 'model',
    ensure: async ({ altered, gone }) => {
      perhaps('companion')
      for (const { zone } of gone) told.zones.delete(zone)
      for (const { zone } of altered) told.zones.add(zone)
    },
  })
  outcomes.plug({
    name: 'model',
    take: ({ altered }, gone) => {
      perhaps('outlet')
      for (const { key } of gone.services) told.services.delete(key)
      for (const { key } of altered.services) told.services.add(key)
    },
  })
  const flush = async (zone: number) => {
    perhaps('flush')
    if (!dead) table.delete(zone)
  }
  loop.start()
  const parts = [offer, hostServices, progress, release, connectionAccounts, announce, leases, driftGuard]
  const stops = [...parts.map(start => start(house)), numbers(house, flush)]
  cells.outcome.subscribe(() => {
    connect(cells.outcome.get()!, table)
    useMarks(cells.outcome.get()!, marks, store, clock.now())
  })
  return {
    house,
    handlers: switchHandlers(house),
    agents: agentHandlers(house),
    told,
    kill: () => {
      dead = true
      for (const stop of stops) void stop()
      void loop.stop()
    },
  }
}

/** Clients connect to the services in force, but never to one whose zone still has connections of another. */
function connect({ plan, tornDown }: Outcome, table: Map<number, string>): void {
  if (tornDown) return
  for (const [i, { key }] of plan.services.entries()) {
    const { zone, persistence } = plan.compiled[i]!
    for (const one of [zone, ...(persistence === undefined ? [] : [persistence.zone])]) {
      const whose = table.get(one) ?? key
      if (whose !== key) throw new Error(`zone ${one} of ${key} has connections of ${whose}`)
      table.set(one, key)
    }
  }
}

/** A mark is nobody else's before the connections that have it have timed out. */
function useMarks({ plan, tornDown }: Outcome, marks: Map<number, MarkUse>, store: Store, now: number): void {
  if (tornDown) return
  for (const [mark, use] of marks) if (use.inForce) marks.set(mark, { ...use, inForce: false, at: now })
  const names = new Map([...store.numbers.named('mark')].map(([name, mark]) => [mark, name]))
  for (const { mark } of plan.compiled.flatMap(({ targets }) => targets)) {
    const [name, before] = [names.get(mark)!, marks.get(mark)]
    if (before !== undefined && before.name !== name && now - before.at < IDLE_SECONDS * 1000)
      throw new Error(`mark ${mark} of ${name} was ${before.name}'s a moment ago`)
    marks.set(mark, { name, inForce: true, at: now })
  }
}

function fallible(store: Store, perhaps: (what: 'hosts' | 'files' | 'numbers' | 'vips' | 'release') => void): Store {
  return {
    ...store,
    hosts: {
      ...store.hosts,
      save: async hosts => {
        perhaps('hosts')
        await store.hosts.save(hosts)
      },
    },
    files: {
      ...store.files,
      save: files => {
        perhaps('files')
        store.files.save(files)
      },
    },
    vipNumbers: {
      ...store.vipNumbers,
      save: () => {
        perhaps('vips')
        store.vipNumbers.save()
      },
    },
    numbers: {
      ...store.numbers,
      save: () => {
        perhaps('numbers')
        store.numbers.save()
      },
      release: (kind, names) => {
        perhaps('release')
        store.numbers.release(kind, names)
      },
    },
  }
}
