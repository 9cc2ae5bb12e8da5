import { CrossportError } from '../../shared/errors.ts'
import { type Control, serveControl } from '../../shared/rpc/control.ts'
import type { StatusSource } from '../../shared/rpc/status.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import { INPUT_NAMES } from '../cells.ts'
import { listConnections } from '../connections/list.ts'
import type { House } from '../house.ts'
import { statusOf } from '../status/status.ts'
import { factsOf } from './facts.ts'
import { connectionTable, inForce } from './in-force.ts'
import { revoked } from './revoked.ts'
import { teardown } from './teardown.ts'

/** Serves the control sockets, which `crossport` on the command line connects to. */
export async function controlSocket(house: House): Promise<Stop> {
  const { controlSocket: socket, adminGroup } = house.config
  const server = await serveControl({ socket, adminGroup, control: controlOf(house), log: house.log })
  return () => server.close()
}

export function controlOf(house: House): Control {
  const { accounts, cells, clock, config, loop } = house
  const { markOf } = inForce(house)
  return {
    getStatus: () => status(house),
    onChange: cells.changed.subscribe,
    resync: async () => {
      cells.resync.publish()
      const { added, changed, deleted } = await loop.resync()
      return { flowsAdded: added, flowsChanged: changed, flowsDeleted: deleted }
    },
    connections: ({ service, disturb }) => {
      const plan = cells.outcome.get()?.plan
      if (plan === undefined) throw new CrossportError('NOT_IN_SYNC', 'nothing has been applied yet')
      const { dump, entries } = connectionTable(house)
      return listConnections({
        plan,
        service,
        disturb,
        timeouts: config.connectionTimeouts,
        markOf,
        dump: zone => dump(zone, true),
        entries,
        accounts: config.accounting ? accounts : undefined,
        now: clock.now(),
        wall: clock.wall().getTime(),
      })
    },
    teardown: (waitingFor, signal) => teardown(house, waitingFor, signal),
    revoked: hostId => revoked(house, hostId),
  }
}

function status(house: House): StatusSource {
  const { applier, cells, clock, config, startedAt, timeline, version } = house
  const outcome = cells.outcome.get()
  const { counts } = applier
  return statusOf({
    id: config.id,
    version,
    startedAt,
    inputs: INPUT_NAMES.map(name => cells.inputStates[name].get()),
    facts: factsOf(house),
    plan: outcome?.plan,
    loadOf: cells.loads.get(),
    passive: cells.passive.get(),
    hosts: [...cells.registry.get().hosts.values()],
    addressed: config.fabric === 'overlay',
    connected: cells.agents.get()?.connected ?? new Set(),
    refused: cells.agents.get()?.refused ?? [],
    counts,
    lastCommitAt: counts.commits > 0 ? outcome?.at : undefined,
    timeline,
    wallOf: at => new Date(clock.wall().getTime() + at - clock.now()),
  })
}
