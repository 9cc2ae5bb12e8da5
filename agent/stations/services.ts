import { createMerger } from '../../shared/config/merge.ts'
import { placeOf } from '../../shared/config/parse.ts'
import type { ServiceSpec } from '../../shared/config/service.ts'
import { createSorryServices } from '../../shared/config/sorry-service.ts'
import { changedItems } from '../../shared/lists.ts'
import type { Judge } from '../authority/judge.ts'
import type { VipClaim } from '../authority/types.ts'
import type { Inputs } from '../inputs.ts'
import type { Store } from '../store/store.ts'
import { type Contested, createCombiner } from './combine.ts'
import { createDocumentParser, type Received, type RefusedSpec, type Services } from './documents.ts'
import { createVipClaims } from './vip-claims.ts'

/** What the host's files and the directors' documents came to. */
export interface HostServices extends Services {
  /** Without the real servers of sorry services. */
  readonly inForce: readonly ServiceSpec[]
  /** To be guarded: of all services that this host has heard of, those too that its own files put others in the place of; sorted. */
  readonly vips: readonly string[]
  /** What VMs call their own address of the VIPs that this host has heard of; the same list while nothing changes. */
  readonly claims: readonly VipClaim[]
  /** Documents that directors may not have in force here. */
  readonly refused: readonly RefusedSpec[]
}

/**
 * The services that the host is to serve: of its own files and of the directors' documents. A document that cannot be read
 * (a newer director may have sent it), or that may not be in force here, keeps what it had in force, as far as that may be.
 *
 * @param remembered - what was in force before this process, and which director's version
 */
export function createServices(remembered: Pick<Store, 'services' | 'contested'>) {
  let contested: Contested = remembered.contested()
  const parseDocuments = createDocumentParser(createCombiner(contested))
  let inForce = remembered.services()
  const merge = createMerger(inForce)
  const withSorryServices = createSorryServices()
  const vipsOf = createVips()
  const claimsOf = createVipClaims()
  return (
    { services, documents, withdrawn }: Pick<Inputs, 'services' | 'documents' | 'withdrawn'>,
    judge: Judge,
  ): HostServices => {
    if (withdrawn) return { specs: [], problems: [], inForce: [], contested, vips: [], claims: [], refused: NONE }
    const parsed = parseDocuments(documents, services.specs, judge)
    const received = withLastGood(parsed, inForce, spec => judge.refusal(spec, undefined) === undefined)
    contested = received.contested
    const merged = merge(services.specs, received.specs)
    inForce = merged.specs
    const { specs, problems } = withSorryServices(merged.specs)
    const vips = vipsOf(services.specs, received.guarded)
    return {
      specs,
      problems: [...services.problems, ...received.problems, ...merged.problems, ...problems],
      inForce: merged.specs,
      contested,
      vips,
      claims: claimsOf(vips, received.unguarded, judge),
      refused: received.refused,
    }
  }
}

const NONE: readonly RefusedSpec[] = []

/** Counts the services of each VIP by what has changed; the same list while no VIP comes or goes. */
function createVips() {
  const services = new Map<string, number>()
  let last: readonly (readonly ServiceSpec[])[] = []
  let vips: readonly string[] = []
  return (...lists: readonly (readonly ServiceSpec[])[]): readonly string[] => {
    const before = services.size
    let other = false
    for (const [i, list] of lists.entries()) {
      const { gone, come } = changedItems(last[i] ?? [], list)
      for (const { vip } of come) services.set(vip, (services.get(vip) ?? 0) + 1)
      for (const { vip } of gone) {
        const left = services.get(vip)! - 1
        if (left > 0) services.set(vip, left)
        else other = services.delete(vip)
      }
    }
    last = lists
    if (other || services.size !== before) vips = [...services.keys()].sort()
    return vips
  }
}

/**
 * @param inForce - what was in force before
 * @param mayStay - it may be in force as it was
 */
function withLastGood(
  received: Received,
  inForce: readonly ServiceSpec[],
  mayStay: (spec: ServiceSpec) => boolean,
): Received {
  const { specs, problems, unread, refused } = received
  if (unread.size === 0) return received
  const names = new Set(specs.map(({ service }) => service))
  const out = new Set(refused.map(({ spec }) => spec.service))
  const kept = inForce.filter(
    spec =>
      spec.source.origin === 'director' &&
      (unread.has(placeOf(spec.source)) || out.has(spec.service)) &&
      !names.has(spec.service) &&
      mayStay(spec),
  )
  const files = new Set(kept.map(({ source }) => source.file))
  return {
    ...received,
    specs: [...specs, ...kept],
    guarded: [...received.guarded, ...kept],
    problems: problems.map(problem => (files.has(problem.file) ? { ...problem, lastGood: true } : problem)),
  }
}
