import { CrossportError } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import { setInput } from '../cells.ts'
import type { House } from '../house.ts'
import { type AgentHandlers, serveAgents } from '../intake/agents.ts'
import { tooMany } from '../intake/validate.ts'
import { applyDelta, register, renew } from '../registry/registry.ts'

/** Serves the agents that dial in, and enters their reports in the registry. */
export async function agents(house: House): Promise<Stop> {
  const { config, cells, log, clock } = house
  const { listen, tls, fabric, leaseMs } = config
  const addressed = fabric === 'overlay'
  const server = await serveAgents({ listen, tls, addressed, leaseMs, log, clock, handlers: agentHandlers(house) })
  const offer = () => {
    const now = cells.offer.get()
    if (now !== undefined) server.setOffer(now)
  }
  const stopOffers = cells.offer.subscribe(offer)
  offer()
  cells.agents.set(server)
  setInput(cells.inputStates.agents, clock, 'in sync', `listening on ${server.address}`)
  return () => {
    stopOffers()
    return server.close()
  }
}

export function agentHandlers({ cells: { registry, changed }, config: { leaseMs }, clock }: House): AgentHandlers {
  return {
    onRegistration: report => {
      const { hosts } = registry.get()
      if (hosts.size >= LIMITS.hosts && !hosts.has(report.hostId))
        throw new CrossportError('REGISTRATION_LIMIT', `${LIMITS.hosts} hosts are known, and there may be no more`)
      registry.set(register(registry.get(), report, clock.now(), leaseMs))
    },
    onDelta: (hostId, delta) => {
      const next = applyDelta(registry.get(), hostId, delta)
      const count = next.hosts.get(hostId)?.realServers.size ?? 0
      if (count > LIMITS.realServers) throw tooMany(hostId, count)
      registry.set(next)
    },
    onGone: () => changed.publish(),
    onAlive: hostId => registry.set(renew(registry.get(), hostId, clock.now(), leaseMs)),
    onRivals: changed.publish,
  }
}
