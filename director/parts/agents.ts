import { CrossportError } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { Register } from '../authority/who.ts'
import { setInput } from '../cells.ts'
import type { House } from '../house.ts'
import { type AgentHandlers, serveAgents } from '../intake/agents.ts'
import { tooMany } from '../intake/validate.ts'
import { createDesk, type Desk } from '../joining/issue.ts'
import { addRenewal } from '../joining/renewal.ts'
import { canIssue } from '../pki/issuer.ts'
import { applyDelta, register, renew } from '../registry/registry.ts'
import { forgetRevoked } from './revoked.ts'

/** Serves the agents that dial in, and enters their reports in the registry. */
export async function agents(house: House): Promise<Stop> {
  const { config, cells, protection, log, clock } = house
  const { listen, fabric, leaseMs } = config
  const addressed = fabric === 'overlay'
  const who = registerOf(house)
  const desk = deskOf(house)
  forgetRevoked(house)
  const server = await serveAgents({
    ...{ listen, addressed, leaseMs, log, clock },
    tls: protection?.tls,
    register: who,
    add: (grpcServer, proto) => addRenewal(grpcServer, proto, desk, who, log),
    handlers: agentHandlers(house),
  })
  const offer = () => {
    const now = cells.offer.get()
    if (now !== undefined) server.setOffer(now)
  }
  const stopOffers = cells.offer.subscribe(offer)
  const stopCertificates = cells.certificate.subscribe(() => {
    // What cannot be used is told by the part that keeps it.
    if (cells.certificate.get()?.unusable === undefined) server.reloadCertificate()
  })
  offer()
  cells.agents.set(server)
  setInput(cells.inputStates.agents, clock, 'in sync', `listening on ${server.address}`)
  return () => {
    stopOffers()
    stopCertificates()
    return server.close()
  }
}

function registerOf({ cells, book }: House): Register {
  return {
    get own() {
      return cells.certificate.get()?.own.identity.role
    },
    revokedAt: hostId => book?.revokedAt(hostId),
  }
}

/** Undefined: this director issues no certificates. */
function deskOf({ config: { pki, certificateLifetime }, book }: House): Desk | undefined {
  return book && canIssue(pki) ? createDesk({ pki, book, lifetimeMs: certificateLifetime }) : undefined
}

export function agentHandlers({
  cells: { registry, changed },
  config: { leaseMs },
  book,
  clock,
}: House): AgentHandlers {
  return {
    onRegistration: (report, { name }) => {
      const { hosts } = registry.get()
      if (hosts.size >= LIMITS.hosts && !hosts.has(report.hostId))
        throw new CrossportError('REGISTRATION_LIMIT', `${LIMITS.hosts} hosts are known, and there may be no more`)
      registry.set(register(registry.get(), report, clock.now(), leaseMs))
      if (name !== undefined && book?.revokedAt(name) !== undefined) book.cameBack(name)
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
