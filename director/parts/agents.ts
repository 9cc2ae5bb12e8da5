import { CrossportError, type ErrorCode } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import { registrationRefusal, type Taken } from '../authority/registration.ts'
import type { Register } from '../authority/who.ts'
import { setInput } from '../cells.ts'
import type { House } from '../house.ts'
import { type AgentHandlers, serveAgents } from '../intake/agents.ts'
import { tooMany } from '../intake/validate.ts'
import { createDesk, type Desk } from '../joining/issue.ts'
import { addRenewal } from '../joining/renewal.ts'
import { canIssue } from '../pki/issuer.ts'
import { applyDelta, register, renew } from '../registry/registry.ts'
import { onNewCertificate } from './reload.ts'
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
  const stopCertificates = onNewCertificate(house, server.reloadCertificate)
  offer()
  cells.agents.set(server)
  setInput(cells.inputStates.agents, clock, 'in sync', `listening on ${server.address}`)
  return () => {
    stopOffers()
    stopCertificates()
    return server.close()
  }
}

function registerOf({ cells, protection, book }: House): Register {
  return {
    tls: protection?.tls !== undefined,
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

export function agentHandlers(house: House): AgentHandlers {
  const { config, cells, clock, book } = house
  const { registry, changed } = cells
  const { leaseMs } = config
  const takenNow = taken(house)
  return {
    onRegistration: (report, peer) => {
      const { hosts } = registry.get()
      const { hostId } = report
      const refuse = (code: ErrorCode, reason: string) => new CrossportError(code, reason, { fields: { host: hostId } })
      if (hosts.size >= LIMITS.hosts && !hosts.has(hostId))
        throw refuse('REGISTRATION_LIMIT', `${LIMITS.hosts} hosts are known, and there may be no more`)
      const refusal = registrationRefusal(report, peer, takenNow())
      if (refusal !== undefined) throw refuse(refusal.code, refusal.reason)
      registry.set(register(registry.get(), report, clock.now(), leaseMs))
      if (book === undefined || peer.name === undefined) return
      if (book.revokedAt(peer.name) !== undefined) book.cameBack(peer.name)
      if (peer.serial !== undefined) book.shown({ role: 'host', name: peer.name }, peer.serial)
    },
    onDelta: (hostId, delta) => {
      const next = applyDelta(registry.get(), hostId, delta)
      const count = next.hosts.get(hostId)?.realServers.size ?? 0
      if (count > LIMITS.realServers) throw tooMany(hostId, count)
      registry.set(next)
    },
    onGone: () => changed.publish(),
    onAlive: hostId => registry.set(renew(registry.get(), hostId, clock.now(), leaseMs)),
    onRefused: changed.publish,
  }
}

/** What no host may claim any more, as it is now. */
function taken({ cells }: House): () => Taken {
  let vips: { readonly of: readonly unknown[]; readonly all: ReadonlySet<string> } = { of: [], all: new Set() }
  return () => {
    const site = cells.site.get()
    const [specs, planned] = [cells.services.get().specs, cells.outcome.get()?.plan.services ?? []]
    const of = [specs, planned]
    // A service that only hosts have gives way to a host with its address (authority/host-services.ts).
    if (of.some((list, i) => list !== vips.of[i]))
      vips = { of, all: new Set([...specs, ...planned.filter(({ hosted }) => !hosted)].map(({ vip }) => vip)) }
    return {
      hosts: cells.registry.get().hosts,
      connected: hostId => cells.agents.get()?.connected.has(hostId) ?? false,
      director: {
        macs: site === undefined ? [] : [site.directorMac, site.recallMac, ...site.ownMacs],
        bridgeMacs: site?.ownMacs ?? [],
        addresses: cells.ownAddresses.get().own,
      },
      vips: vips.all,
    }
  }
}
