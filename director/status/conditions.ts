import { LIMITS } from '../../shared/rpc/limits.ts'
import { COMMON_CONDITIONS, type CommonFacts } from '../../shared/status/common.ts'
import { type Condition, type Finding, found } from '../../shared/status/conditions.ts'
import type { Flood } from '../balance/floods.ts'
import type { Passive, Unheard } from '../balance/passive.ts'
import type { Refused } from '../intake/refused.ts'
import type { Plan } from '../plan/plan.ts'
import type { VirtualService } from '../registry/services.ts'
import type { Host, RealServer, RegistryProblem } from '../registry/types.ts'
import { acceptanceText } from '../schedule/acceptance.ts'
import { floodText } from '../schedule/flood.ts'
import { panicOf, panicText } from '../schedule/panic.ts'
import { sharedAddresses } from './shared-addresses.ts'

/** What the director knows of itself. */
export interface OwnFacts extends CommonFacts {
  /** Why agents cannot dial in; undefined: they can. */
  readonly notListening: string | undefined
  /** Of all service files, as agents are told of them. */
  readonly documentBytes: number
  /** When it was found that the book of certificates was lost, in ms since 1970; undefined: it was not. */
  readonly bookLostAt: number | undefined
  /** Those under way. */
  readonly floods: readonly Flood[]
}

export interface DirectorFacts extends OwnFacts {
  readonly plan: Plan | undefined
  readonly hosts: readonly Host[]
  /** Hosts whose agent holds a stream now. */
  readonly connected: ReadonlySet<string>
  /** Hosts whose agents were refused, and try again. */
  readonly refused: readonly Refused[]
  /** Hosts are sent to by their address in the underlay, too (an overlay). */
  readonly addressed: boolean
  readonly passive: Pick<Passive, 'judged' | 'acceptanceOf'>
  readonly unheard: readonly Unheard[]
}

/** All that keeps a director from saying that everything is in force. */
export const DIRECTOR_CONDITIONS: readonly Condition<DirectorFacts>[] = [
  ...COMMON_CONDITIONS,
  { code: 'RPC_LISTEN', severity: 'error', find: ({ notListening }) => found('agents', notListening) },
  { code: 'BOOK_LOST', severity: 'warning', find: ({ bookLostAt }) => found('authority.db', lostBook(bookLostAt)) },
  {
    code: 'OFFER_TOO_LARGE',
    severity: 'error',
    find: ({ servicesDir, documentBytes }) => found(servicesDir, tooLarge(documentBytes)),
  },
  {
    code: 'REGISTRY_CONFLICT',
    severity: 'error',
    find: ({ plan }) => (plan?.problems ?? []).map(refusedClaim),
  },
  {
    code: 'REGISTRATION_INVALID',
    severity: 'error',
    find: ({ refused }) => refused.map(({ code, hostId, reason }) => ({ code, subject: hostId, message: reason })),
  },
  {
    code: 'HOST_ADDRESS_SHARED',
    severity: 'error',
    find: ({ hosts, connected, addressed }) => sharedAddresses(hosts, connected, addressed),
  },
  { code: 'DOCUMENT_REFUSED', severity: 'error', find: ({ hosts }) => hosts.flatMap(refusedThere) },
  { code: 'HOST_LOST', severity: 'warning', find: ({ hosts }) => hosts.flatMap(lost) },
  {
    code: 'HOST_AWAY',
    severity: 'warning',
    find: ({ hosts, connected }) => hosts.flatMap(host => away(host, connected)),
  },
  { code: 'FLOOD', severity: 'warning', find: ({ floods }) => floods.map(flooded) },
  { code: 'SIGNALS_MISSING', severity: 'warning', find: ({ unheard }) => unheard.map(silent) },
  { code: 'REAL_SERVER', severity: 'warning', find: facts => eachService(facts, notServing) },
  { code: 'NOT_ACCEPTING', severity: 'warning', find: facts => eachService(facts, notAccepting) },
  { code: 'PANIC', severity: 'warning', find: facts => eachService(facts, inPanic) },
  { code: 'SERVICE_EMPTY', severity: 'warning', find: facts => eachService(facts, nobodyReady) },
]

/** Its own code where it has one: STORE_FAILED, where a number cannot be written down. */
function refusedClaim({ code, subject, reason }: RegistryProblem): Finding {
  return { subject, message: reason, ...(code === undefined ? {} : { code }) }
}

/** Why agents do not take so many bytes of documents; undefined: they do. */
export function tooLarge(documentBytes: number): string | undefined {
  const [bytes, most] = [documentBytes, LIMITS.documents].map(count => Math.ceil(count / 2 ** 20))
  return documentBytes > LIMITS.documents ? `the service files have ${bytes} MiB, and agents take ${most}` : undefined
}

function lostBook(at: number | undefined): string | undefined {
  if (at === undefined) return undefined
  return `there was no book of certificates at ${new Date(at).toISOString()}: revocations from before are not known`
}

function* eachService(
  { plan, passive }: DirectorFacts,
  find: (service: VirtualService, passive: DirectorFacts['passive']) => readonly Finding[],
): Generator<Finding> {
  for (const service of plan?.services ?? []) yield* find(service, passive)
}

function refusedThere({ hostId, refusedDocuments = [] }: Host): readonly Finding[] {
  return refusedDocuments.map(({ service, place, reason, code }) => {
    const severity = code === 'VIP_UNKNOWN' ? 'warning' : 'error'
    return { subject: `${service} on host ${hostId}`, message: `${place}: ${reason}`, severity }
  })
}

function lost({ hostId, state }: Host): readonly Finding[] {
  const message = 'no message from its agent for a whole lease; its real servers get no new connections'
  return found(hostId, state === 'lost' ? message : undefined)
}

function away({ hostId, state }: Host, connected: ReadonlySet<string>): readonly Finding[] {
  const message = 'its agent is not connected; its real servers leave scheduling when its lease ends'
  return found(hostId, state === 'alive' && !connected.has(hostId) ? message : undefined)
}

function flooded({ kind, services, since, rate }: Flood): Finding {
  return { subject: services.join(', '), message: floodText(kind, rate, since.toISOString()) }
}

function silent({ hostId, connections }: Unheard): Finding {
  const message = `${connections} new connections were sent there, and its agent has told of none: whether its real servers accept is not known, and nobody is taken out for it`
  return { subject: hostId, message }
}

/** As its host says. One that serves may have something to mend, too: clients send and nothing comes back. */
function notServing(service: VirtualService, { judged }: DirectorFacts['passive']): readonly Finding[] {
  return judged(service).realServers.flatMap(rs => {
    // The host's own line tells of one that is lost with it.
    if (rs.state === 'lost' || (rs.reason === '' && serves(rs))) return []
    return found(`${service.service} ${rs.vm}`, rs.reason || `it is ${rs.state} on host ${rs.hostId}`)
  })
}

const serves = ({ state }: RealServer) => state === 'ready' || state === 'draining'

function notAccepting(service: VirtualService, { judged, acceptanceOf }: DirectorFacts['passive']): readonly Finding[] {
  return judged(service).realServers.flatMap(rs => {
    const acceptance = acceptanceOf(service, rs.id)
    if (rs.state !== 'ready' || acceptance === undefined || acceptance.phase === 'accepting') return []
    const so = rs.barred === undefined ? '' : '; it is out of scheduling until it accepts a trial connection'
    return found(`${service.service} ${rs.vm}`, `${rs.vm} on host ${rs.hostId} ${acceptanceText(acceptance)}${so}`)
  })
}

function inPanic(service: VirtualService, { judged }: DirectorFacts['passive']): readonly Finding[] {
  const panic = panicOf(judged(service).realServers)
  return found(service.service, panic && panicText(panic))
}

function nobodyReady(service: VirtualService, { judged }: DirectorFacts['passive']): readonly Finding[] {
  if (panicOf(judged(service).realServers) !== undefined) return []
  const ready = service.realServers.some(rs => rs.state === 'ready' && rs.weight > 0)
  return found(service.service, ready ? undefined : 'no real server is ready, so nobody is served')
}
