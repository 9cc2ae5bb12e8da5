import type { Stop } from '../../shared/run/lifecycle.ts'
import { setInput } from '../cells.ts'
import type { House } from '../house.ts'
import { type AgentHandlers, serveAgents } from '../intake/agents.ts'
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
    onRegistration: report => registry.set(register(registry.get(), report, clock.now(), leaseMs)),
    onDelta: (hostId, delta) => registry.set(applyDelta(registry.get(), hostId, delta)),
    onAlive: hostId => registry.set(renew(registry.get(), hostId, clock.now(), leaseMs)),
    onRivals: changed.publish,
  }
}
